"""Simultaneous OMP: planted supports, brute force, OMP of one sample, and bad input."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import orthogonal_mp
from sklearn.utils import check_random_state

from sparsecode import Dictionary
from sparsecode.joint import joint_omp


def unit_atoms(n_components, n_features, seed=0):
    return Dictionary.random(n_components, n_features, random_state=seed).atoms


def error_on(X, atoms, support):
    fit = np.linalg.lstsq(atoms[list(support)].T, X.T, rcond=None)[0]
    return ((X - fit.T @ atoms[list(support)]) ** 2).sum()


def test_a_planted_support_is_the_best_of_all():
    atoms, rng = unit_atoms(9, 12), check_random_state(1)
    truth = np.zeros((6, 9))
    truth[:, [2, 5, 7]] = rng.standard_normal((6, 3))
    X = truth @ atoms + 0.01 * rng.standard_normal((6, 12))
    codes = joint_omp(X, atoms, 3)
    best = min(combinations(range(9), 3), key=lambda support: error_on(X, atoms, support))
    assert best == (2, 5, 7) == tuple(np.flatnonzero(codes.any(axis=0)))
    assert ((X - codes @ atoms) ** 2).sum() == pytest.approx(error_on(X, atoms, best))


def test_the_first_atom_has_the_largest_sum_of_correlations():
    rng = check_random_state(2)
    for _ in range(20):
        atoms, X = rng.standard_normal((7, 5)), rng.standard_normal((4, 5))
        sums = np.abs(X @ atoms.T).sum(axis=0) / np.linalg.norm(atoms, axis=1)
        codes = joint_omp(X, atoms, 1)
        assert np.flatnonzero(codes.any(axis=0)).tolist() == [np.argmax(sums)]


def test_orthonormal_atoms_are_chosen_by_brute_force():
    rng = check_random_state(3)
    atoms = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    signs = rng.choice([-1.0, 1.0], (5, 6))
    # Of equal magnitudes over the samples, sums and squares agree on the best atoms.
    X = signs * np.array([3.0, 1.0, 2.0, 0.5, 4.0, 0.1]) @ atoms
    for k in (1, 2, 4):
        codes = joint_omp(X, atoms, k)
        best = min(combinations(range(6), k), key=lambda support: error_on(X, atoms, support))
        assert tuple(np.flatnonzero(codes.any(axis=0))) == best


def test_groups_of_one_are_omp():
    atoms, X = unit_atoms(20, 10), check_random_state(4).standard_normal((8, 10))
    codes = joint_omp(X, atoms, 3, groups=range(8))
    np.testing.assert_allclose(codes, orthogonal_mp(atoms.T, X.T, n_nonzero_coefs=3).T, atol=1e-10)
    np.testing.assert_array_equal(joint_omp(X, atoms, 3, groups=range(8), n_jobs=2), codes)


def test_groups_of_an_error_target():
    atoms, X = unit_atoms(20, 10), check_random_state(5).standard_normal((8, 10))
    groups = [1, 0, 1, 0, 0, 1, 1, 0]
    codes = joint_omp(X, atoms, 10, groups=groups, error=5.0)
    for label in (0, 1):
        rows = np.array(groups) == label
        support = np.flatnonzero(codes[rows].any(axis=0))
        assert error_on(X[rows], atoms, support) <= 5.0
        fewer = joint_omp(X[rows], atoms, len(support) - 1)
        assert ((X[rows] - fewer @ atoms) ** 2).sum() > 5.0


def test_units_offset_types_and_degenerate_atoms():
    atoms, X = unit_atoms(20, 10), check_random_state(6).standard_normal((8, 10))
    codes = joint_omp(X, atoms, 3)
    for of_x, of_atoms in ((1e-200, 1.0), (1e200, 1e150)):
        found = joint_omp(of_x * X, of_atoms * atoms, 3)
        np.testing.assert_allclose(found / of_x * of_atoms, codes, rtol=1e-9)
    offset = np.arange(10.0)
    moved = joint_omp(X + offset, Dictionary(atoms, offset), 3)
    np.testing.assert_allclose(moved, codes, atol=1e-12)
    single = joint_omp(X.astype(np.float32), atoms.astype(np.float32), 3)
    assert single.dtype == np.float32
    twice = joint_omp(X, np.concatenate([atoms[:2], atoms[:2], 0 * atoms[:1]]), 5)
    assert np.count_nonzero(twice.any(axis=0)) == 2
    assert not joint_omp(0 * X, atoms, 3).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_nonzero": 0}, "n_nonzero is 0"),
        ({"n_nonzero": 21}, "n_nonzero is 21"),
        ({"error": -1.0}, "error is -1"),
        ({"groups": [0]}, r"groups is an array of shape \(1,\)"),
    ],
)
def test_bad_input(changes, message):
    arguments = {"X": np.ones((3, 10)), "dictionary": unit_atoms(20, 10), "n_nonzero": 2} | changes
    with pytest.raises(ValueError, match=message):
        joint_omp(**arguments)
