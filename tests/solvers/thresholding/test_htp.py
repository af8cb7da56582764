"""HTP against the iteration written in NumPy, exact recovery, and its fixed points."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary
from sparsecode.penalties import KSparse
from sparsecode.solvers import HTP, IHT, OLS, OMP


@pytest.fixture
def dictionary():
    return Dictionary.random(20, 10, random_state=1)


@pytest.fixture
def X(n_samples):
    return np.random.default_rng(0).standard_normal((n_samples, 10))


def least_squares(x, atoms, support):
    code = np.zeros(len(atoms))
    code[support] = np.linalg.lstsq(atoms[support].T, x, rcond=None)[0]
    return code


def pursuit(x, atoms, count):
    """Gradient step, hard thresholding, least squares, until the support repeats."""
    threshold = KSparse(count).prox
    z = np.zeros(len(atoms))
    for _ in range(100):
        gradient = atoms @ (x - z @ atoms)
        along = threshold([gradient])[0]
        step = along @ along / ((along @ atoms) ** 2).sum()
        while True:
            moved = threshold([z + step * gradient])[0]
            if ((moved != 0) == (z != 0)).all():
                return z
            move = moved - z
            if step <= 0.99 * (move @ move) / ((move @ atoms) ** 2).sum():
                break
            step /= 2
        z = least_squares(x, atoms, moved != 0)
    raise AssertionError("the support never repeats")


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_is_the_iteration(X, dictionary, count):
    expected = [pursuit(x, dictionary.atoms, count) for x in X]
    result = HTP().solve(X, dictionary, KSparse(count))
    np.testing.assert_allclose(result.codes, expected, atol=1e-9)
    assert result.converged.all()


@pytest.mark.parametrize("count", [2, 5])
def test_is_least_squares_on_its_support(X, dictionary, count):
    codes = HTP().solve(X, dictionary, KSparse(count)).codes
    for x, code in zip(X, codes, strict=True):
        expected = least_squares(x, dictionary.atoms, code != 0)
        np.testing.assert_allclose(code, expected, atol=1e-10)


def test_recovers_noiseless_codes_in_few_steps(rng):
    dictionary = Dictionary(rng.standard_normal((40, 30)) / np.sqrt(30))
    codes = KSparse(3).prox(rng.standard_normal((8, 40)))
    result = HTP().solve(codes @ dictionary.atoms, dictionary, KSparse(3))
    found = ((result.codes != 0) == (codes != 0)).all(axis=1)
    assert found.mean() >= 0.7 and result.n_iter.max() <= 10
    np.testing.assert_allclose(result.codes[found], codes[found], atol=1e-10)


def test_needs_fewer_iterations_than_iht(X, dictionary):
    few = HTP().solve(X, dictionary, KSparse(4)).n_iter
    many = IHT().solve(X, dictionary, KSparse(4)).n_iter
    assert few.mean() < many.mean() / 3


def test_improves_the_codes_of_omp():
    X = np.random.default_rng(0).standard_normal((40, 20))
    dictionary = Dictionary.random(50, 20, random_state=1)
    for solver in (OMP(), OLS()):
        start = solver.solve(X, dictionary, KSparse(9))
        result = HTP().solve(X, dictionary, KSparse(9), codes=start.codes)
        gain = start.certificate.objective - result.certificate.objective
        assert (gain >= -1e-12).all() and (gain > 1e-3).any()


def test_objective_never_rises(X, dictionary, rng):
    start = 3 * rng.standard_normal((len(X), 20))
    history = HTP(tol=0).solve(X, dictionary, KSparse(4), codes=start, record=True).history
    assert (np.diff(history["objective"], axis=0) <= 1e-12 * history["objective"][0]).all()


def test_refuses_an_error(X, dictionary):
    with pytest.raises(
        TypeError,
        match=r"HTP needs KSparse .*no error target; got KSparse\(n_nonzero=3, error=0.1\)",
    ):
        HTP().solve(X, dictionary, KSparse(3, 0.1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_are_least_squares_on_correlated_atoms(dtype, rng):
    atoms = (1 + 0.03 * rng.standard_normal((20, 12))).astype(dtype)
    X = rng.standard_normal((20, 12)).astype(dtype)
    with warnings.catch_warnings():
        # Rounded to float32, codes of such atoms may be too coarse for the tolerance.
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = HTP().solve(X, atoms, KSparse(4))
    assert dtype == np.float32 or result.converged.all()
    for x, code in zip(X.astype(float), result.codes.astype(float), strict=True):
        active = atoms[code != 0].astype(float)
        least = ((x - np.linalg.lstsq(active.T, x, rcond=None)[0] @ active) ** 2).sum()
        rounding = (2 * np.finfo(dtype).eps * np.abs(code).sum() * 4) ** 2
        assert ((x - code @ atoms.astype(float)) ** 2).sum() <= least * (1 + 1e-10) + rounding


def test_a_start_worse_than_0_is_no_start(rng):
    atoms = 1 + 1e-3 * rng.standard_normal((15, 8))
    X, start = rng.standard_normal((6, 8)), 1e3 * rng.standard_normal((6, 15))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for solver in (IHT(max_iter=20), HTP()):
            objective = solver.solve(X, atoms, KSparse(5), codes=start).certificate.objective
            assert (objective <= (X**2).sum(axis=1) / 2 * (1 + 1e-9)).all()
