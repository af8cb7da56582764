"""OLS against least squares at every step, brute force, and exact recovery."""

import itertools

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.penalties import KSparse
from sparsecode.solvers import OLS, OMP


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((12, 12))


@pytest.fixture
def dictionary():
    return Dictionary.random(40, 12, random_state=1)


def least_squares(x, atoms, support):
    active = atoms[list(support)].T
    code = np.zeros(len(atoms))
    code[list(support)] = np.linalg.lstsq(active, x, rcond=None)[0]
    return code, ((x - code @ atoms) ** 2).sum()


def by_least_squares(x, atoms, is_done):
    """The definition: try every atom beside the chosen ones, keep the best."""
    support, code, error = [], np.zeros(len(atoms)), x @ x
    while not is_done(len(support), error):
        others = [j for j in range(len(atoms)) if j not in support]
        best = min(others, key=lambda j: least_squares(x, atoms, [*support, j])[1])
        support.append(best)
        code, error = least_squares(x, atoms, support)
    return code


@pytest.mark.parametrize("count", [1, 2, 4, 7, 11])
def test_least_squares_at_every_step_by_count(X, dictionary, count):
    expected = [by_least_squares(x, dictionary.atoms, lambda k, _: k == count) for x in X]
    codes = OLS().solve(X, dictionary, KSparse(count)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-8)


@pytest.mark.parametrize("error", [3.0, 0.1])
def test_least_squares_at_every_step_by_error(X, dictionary, error):
    expected = [by_least_squares(x, dictionary.atoms, lambda _, e: e <= error) for x in X]
    codes = OLS().solve(X, dictionary, KSparse(None, error)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_norms_of_atoms_do_not_matter(X, dictionary, dtype, rng):
    norms = np.exp(rng.uniform(-5, 5, 40))
    scaled = (dictionary.atoms * norms[:, None]).astype(dtype)
    codes = OLS().solve(X.astype(dtype), scaled, KSparse(5)).codes
    expected = OLS().solve(X, dictionary, KSparse(5)).codes
    np.testing.assert_allclose(codes * norms, expected, atol=300 * np.finfo(dtype).eps)


def test_differs_from_omp_and_is_better(X):
    """On coherent atoms, with as many of them."""
    rng = np.random.default_rng(2)
    atoms = rng.standard_normal((60, 12)) + 1.5 * rng.standard_normal(12)
    penalty = KSparse(4)
    ols = OLS().solve(X, atoms, penalty).certificate.objective
    omp = OMP().solve(X, atoms, penalty).certificate.objective
    assert ols.mean() < 0.95 * omp.mean()
    one = [solver.solve(X, atoms, KSparse(1)).codes for solver in (OLS(), OMP())]
    np.testing.assert_allclose(*one, atol=1e-10)


def test_brute_force_over_supports(rng):
    """The best pair is found where one of its atoms is also the best single one."""
    atoms = Dictionary.random(8, 5, random_state=0).atoms
    X = rng.standard_normal((20, 5))
    error = 2 * OLS().solve(X, atoms, KSparse(2)).certificate.objective
    n_checked = 0
    for x, got in zip(X, error, strict=True):
        pairs = list(itertools.combinations(range(8), 2))
        errors = [least_squares(x, atoms, pair)[1] for pair in pairs]
        best = np.argmin(errors)
        assert got >= errors[best] - 1e-12
        first = np.abs(atoms @ x).argmax()
        if first in pairs[best]:
            np.testing.assert_allclose(got, errors[best], rtol=1e-10)
            n_checked += 1
    assert n_checked >= 5


def test_nearly_dependent_atoms_in_float32(X, dictionary):
    """Rounding of what is left of an atom must not look like a great reduction."""
    noise = 1e-7 * np.random.default_rng(5).standard_normal(dictionary.atoms.shape)
    atoms = np.vstack([dictionary.atoms, dictionary.atoms + noise]).astype(np.float32)
    result = OLS().solve(X.astype(np.float32), atoms, KSparse(8))
    assert np.abs(result.codes).max() < 100
    assert result.certificate.relative_residual.max() <= 1e-4
