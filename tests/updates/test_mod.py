"""The method of optimal directions is least squares, whatever the rank of the codes."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.constraints import NonNegative, UnitNorm
from sparsecode.updates import MOD


def learned(X, codes, dictionary, **options):
    update = MOD()
    return update.update(X, codes, dictionary, update.init(dictionary), **options)[0]


def test_is_least_squares(rng):
    X, codes = rng.standard_normal((40, 5)), rng.standard_normal((40, 6)) * 10.0 ** np.arange(-3, 3)
    dictionary = Dictionary(rng.standard_normal((6, 5)))
    expected = np.linalg.lstsq(codes, X, rcond=None)[0]
    np.testing.assert_allclose(learned(X, codes, dictionary).atoms, expected, rtol=1e-8)
    np.testing.assert_allclose(learned(X, np.eye(40), Dictionary(np.ones((40, 5)))).atoms, X)


def test_normalises_the_fit(rng):
    X, codes = rng.standard_normal((40, 5)), rng.standard_normal((40, 6))
    dictionary = Dictionary(rng.standard_normal((6, 5)), constraint=UnitNorm())
    expected = UnitNorm().project(np.linalg.lstsq(codes, X, rcond=None)[0])
    np.testing.assert_allclose(learned(X, codes, dictionary).atoms, expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("nearly", [0, 1e-9])
def test_dependent_codes_change_little_and_never_fit_worse(rng, dtype, nearly):
    codes = rng.standard_normal((12, 20))
    codes[:, 5] = codes[:, 4] * (1 + nearly)
    X, codes = rng.standard_normal((12, 5)).astype(dtype), codes.astype(dtype)
    dictionary = Dictionary(rng.standard_normal((20, 5)).astype(dtype))
    moved = learned(X, codes, dictionary)
    errors = [np.linalg.norm(X - codes @ d.atoms) for d in (dictionary, moved)]
    assert errors[1] <= 1e-3 * errors[0]
    assert np.abs(moved.atoms).max() < 20


@pytest.mark.parametrize("apart", [1e-7, 1e-8, 1e-9, 0])
def test_codes_that_are_nearly_the_same_share_the_change(rng, apart):
    """Where a factorization may succeed and its solution be rounding."""
    codes, noise = rng.standard_normal((40, 6)), rng.standard_normal(40)
    codes[:, 5] = codes[:, 4] + apart * noise
    X, dictionary = rng.standard_normal((40, 5)), Dictionary(rng.standard_normal((6, 5)))
    moved = learned(X, codes, dictionary)
    change = moved.atoms - dictionary.atoms
    if apart <= 1e-8:
        np.testing.assert_allclose(change[4], change[5], atol=1e-5)
    reached = [np.linalg.norm(X - c @ np.linalg.lstsq(c, X)[0]) for c in (codes, codes[:, :5])]
    assert reached[0] * 0.999 <= np.linalg.norm(X - codes @ moved.atoms) <= reached[1] * 1.001


def test_two_equal_columns_share_the_change():
    codes, X = np.ones((3, 2)), np.full((3, 1), 4.0)
    moved = learned(X, codes, Dictionary([[1.0], [2.0]]))
    np.testing.assert_allclose(moved.atoms, [[1.5], [2.5]])


@pytest.mark.parametrize("n_atoms", [2, 3, 6])
def test_columns_of_one_direction_share_the_change(rng, n_atoms):
    sizes = 3.0 ** np.arange(n_atoms)
    column, target = rng.standard_normal(20), rng.standard_normal(4)
    before = Dictionary(rng.standard_normal((n_atoms, 4)))
    moved = learned(np.outer(column, target), np.outer(column, sizes), before)
    share = (target - sizes @ before.atoms) / n_atoms
    np.testing.assert_allclose(moved.atoms, before.atoms + share / sizes[:, None], rtol=1e-8)


def test_an_atom_is_not_projected_away():
    dictionary = Dictionary([[1.0, 0.0]], constraint=NonNegative())
    assert learned(np.array([[-1.0, -1.0]]), np.ones((1, 1)), dictionary) == dictionary
    sphere = Dictionary([[1.0, 0.0]], constraint=UnitNorm())
    assert learned(np.zeros((1, 2)), np.ones((1, 1)), sphere) == sphere
