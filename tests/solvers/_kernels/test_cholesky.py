"""Factors that grow and shrink by an atom, against those made at once."""

import numpy as np
import pytest

from sparsecode.solvers._kernels.cholesky import (
    append_to_factor,
    remove_from_factor,
    solve_factored,
)


def factored(gram, ridge=0.0):
    """Lower factor of a Gram matrix, atom by atom; the array has no room for more."""
    factor = np.zeros(gram.shape)
    for j in range(len(gram)):
        factor[j, :j] = gram[j, :j]
        assert append_to_factor(factor, j, gram[j, j], 1e-12, ridge)
    return factor


@pytest.fixture
def gram(rng):
    atoms = rng.standard_normal((5, 7)) * np.array([[1, 2, 0.5, 3, 1]]).T
    return atoms @ atoms.T


def test_appended_and_solved(gram, rng):
    factor, right = factored(gram), rng.standard_normal(5)
    np.testing.assert_allclose(np.tril(factor[:5, :5]), np.linalg.cholesky(gram))
    for count in range(1, 6):
        vector = right.copy()
        solve_factored(factor, count, vector)
        expected = np.linalg.solve(gram[:count, :count], right[:count])
        np.testing.assert_allclose(vector, [*expected, *right[count:]])


@pytest.mark.parametrize("p", range(5))
def test_removed(gram, p):
    factor, kept = factored(gram), np.delete(np.arange(5), p)
    remove_from_factor(factor, 5, p)
    expected = np.linalg.cholesky(gram[np.ix_(kept, kept)])
    np.testing.assert_allclose(np.tril(factor[:4, :4]), expected, atol=1e-14)


def test_a_ridge_is_a_share_of_the_square(rng):
    """Of an atom that the others explain nothing is left but the ridge."""
    gram = np.array([[4.0, 2.0], [2.0, 9.0]])
    factor = factored(gram, 0.5)
    np.testing.assert_allclose(factor[:2, :2] @ factor[:2, :2].T, gram + np.diag([2.0, 4.5]))
    twice = np.zeros((2, 2))
    assert append_to_factor(twice, 0, 4.0, 1e-6, 0.25)
    twice[1, 0] = np.sqrt(5) * np.sqrt(20)
    assert append_to_factor(twice, 1, 20.0, 1e-6, 0.25)
    np.testing.assert_allclose(twice, [[np.sqrt(5), 0], [np.sqrt(20), np.sqrt(5)]], atol=1e-12)


def test_what_the_others_explain_is_not_added():
    for least, expected in ((0.8, False), (0.75, False), (0.7499, True)):
        # A share of a quarter is explained.
        factor = np.array([[2.0, 0.0], [1.0, 0.0]])
        assert append_to_factor(factor, 1, 1.0, least, 0.0) == expected
        assert (factor[1, 1] > 0) == expected
    # Half of a square of 8.
    factor = np.array([[1.0, 0.0], [2.0, 0.0]])
    assert append_to_factor(factor, 1, 8.0, 0.49, 0.0)
    assert not append_to_factor(np.array([[1.0, 0.0], [2.0, 0.0]]), 1, 8.0, 0.51, 0.0)
