"""Least angle regression against scikit-learn and against what defines it."""

import numpy as np
import pytest
from sklearn.linear_model import lars_path

from sparsecode import Dictionary
from sparsecode.dropin._lars import lars_codes


def test_orthonormal_atoms(rng):
    """There the next largest correlation is subtracted from the largest ones."""
    X = np.array([[3.0, -2.0, 0.5], [0.0, 1.0, 4.0]])
    atoms = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    codes = lars_codes(X @ atoms, Dictionary(atoms), 2)
    np.testing.assert_allclose(codes, [[2.5, -1.5, 0.0], [0.0, 1.0, 4.0]], atol=1e-12)


@pytest.mark.parametrize("n_nonzero", [1, 2, 3, 4])
def test_correlations_in_use_are_equal_and_largest(X, frame, n_nonzero):
    codes = lars_codes(X, Dictionary(frame), n_nonzero)
    corr = (X - codes @ frame) @ frame.T
    for code, row in zip(codes, np.abs(corr), strict=True):
        assert np.count_nonzero(code) == n_nonzero
        np.testing.assert_allclose(row[code != 0], row.max(), atol=1e-12)
        # The atom that would join next correlates as much.
        assert np.sort(row)[-n_nonzero - 1] == pytest.approx(row.max())


def test_path_of_scikit_learn(X, frame):
    for x in X:
        _, active, path = lars_path(frame.T, x, method="lar", max_iter=3)
        code = lars_codes(x[None], Dictionary(frame), 3)[0]
        np.testing.assert_allclose(code, path[:, -1], atol=1e-12)
        assert set(np.flatnonzero(code)) == set(active)


def test_all_atoms_give_least_squares(rng):
    atoms, X = rng.standard_normal((4, 7)), rng.standard_normal((3, 7))
    codes = lars_codes(X, Dictionary(atoms), 9)
    np.testing.assert_allclose(codes, np.linalg.lstsq(atoms.T, X.T)[0].T, atol=1e-10)


def test_copies_of_atoms_are_passed_over(X, frame):
    once = lars_codes(X, Dictionary(frame), 4)
    twice = lars_codes(X, Dictionary(np.concatenate([frame, frame])), 4)
    np.testing.assert_allclose(twice[:, :9] + twice[:, 9:], once, atol=1e-10)


def test_samples_of_zero_and_atoms_of_zero(X, frame):
    frame[0], X[0] = 0, 0
    codes = lars_codes(X, Dictionary(frame), 9)
    assert not codes[0].any() and not codes[:, 0].any()
    np.testing.assert_allclose(codes @ frame, X, atol=1e-8)
