"""Kernels of the joint lasso: the minimum over one atom and the gap, by their formulas."""

import numpy as np
import pytest

from sparsecode.joint import certify_joint
from sparsecode.joint.lasso import _gap_of, _minimise_atom


@pytest.fixture
def task(rng):
    atoms, X = rng.standard_normal((5, 4)), rng.standard_normal((3, 4))
    Z = rng.standard_normal((5, 3))
    Z[1] = 0
    return atoms, X, Z


@pytest.mark.parametrize("weight", [0.1, 1.0, 50.0])
def test_gap(task, weight):
    atoms, X, Z = task
    for size in (0.0, 0.1, 1.0):
        corr = np.full((5, 3), np.nan)
        found = _gap_of(size * Z, corr, X, atoms, weight)
        expected = certify_joint(X, size * Z.T, atoms, weight).gap[0]
        assert found == pytest.approx(expected)
        np.testing.assert_allclose(corr, atoms @ (X - size * Z.T @ atoms).T)


@pytest.mark.parametrize("weight", [0.1, 1.0, 50.0])
@pytest.mark.parametrize("j", [0, 1, 4])
def test_the_coefficients_of_an_atom_become_the_best(task, weight, j):
    """A shrunk multiple of their correlations, or 0 for all samples."""
    atoms, X, Z = task
    corr, gram = atoms @ (X - Z.T @ atoms).T, atoms @ atoms.T
    others = np.delete(np.arange(5), j)
    left = (X - Z[others].T @ atoms[others]) @ atoms[j]
    best = max(1 - weight / np.linalg.norm(left), 0) * left / (atoms[j] @ atoms[j])
    kept = Z[others].copy()
    _minimise_atom(j, Z, corr, gram, weight, np.empty(3))
    np.testing.assert_allclose(Z[j], best, atol=1e-14)
    np.testing.assert_array_equal(Z[others], kept)
    np.testing.assert_allclose(corr, atoms @ (X - Z.T @ atoms).T, atol=1e-12)


def test_an_atom_of_zeros_stays_as_it_is(task):
    atoms, X, Z = task
    atoms[2] = 0
    before = Z.copy()
    corr = atoms @ (X - Z.T @ atoms).T
    _minimise_atom(2, Z, corr, atoms @ atoms.T, 1.0, np.empty(3))
    np.testing.assert_array_equal(Z, before)
