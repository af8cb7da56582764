"""Codes for other data terms against SciPy, closed forms, their dual, and bad input."""

import numba
import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog, minimize
from scipy.special import huber as scipy_huber
from scipy.stats import poisson
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sparsecode import Dictionary
from sparsecode.data_terms import Absolute, DataTerm, Huber, KullbackLeibler, certify, encode
from sparsecode.penalties import L1, ElasticNet
from sparsecode.solvers import FISTA

WEIGHTS = np.linspace(0.5, 2, 15)
PENALTIES = [L1(0.3), L1(0.3, positive=True), L1(0.3, WEIGHTS)]


@pytest.fixture
def signals():
    rng = check_random_state(0)
    return rng.standard_normal((6, 10)), Dictionary.random(15, 10, random_state=1).atoms


@pytest.fixture
def counts():
    rng = check_random_state(2)
    atoms = rng.gamma(0.5, 1, (8, 12))
    rates = rng.gamma(0.3, 4, (10, 8)) @ atoms
    return rng.poisson(rates).astype(float), atoms


def cost(term, X, X_hat):
    if isinstance(term, Huber):
        return scipy_huber(term.delta, X - X_hat).sum(axis=1)
    if isinstance(term, Absolute):
        return np.abs(X - X_hat).sum(axis=1)
    # Minus the log likelihood, less that of the counts themselves.
    return (poisson.logpmf(X, X) - poisson.logpmf(X, X_hat)).sum(axis=1)


def least_by_linprog(x, atoms, penalty):
    """The l1 data term as a linear program in positive and negative parts."""
    n_features = atoms.shape[1]
    weights = penalty.alpha * (np.ones(15) if penalty.weights is None else penalty.weights)
    eye = np.eye(n_features)
    negative = [] if penalty.positive else [-atoms.T]
    costs = np.concatenate([weights] * (1 + len(negative)) + [np.ones(2 * n_features)])
    return linprog(costs, A_eq=np.hstack([atoms.T, *negative, eye, -eye]), b_eq=x).fun


def least_by_lbfgs(term, x, atoms, penalty):
    """Positive and negative parts as bounded variables of a smooth problem."""
    weights = np.full(len(atoms), penalty.alpha) if penalty.weights is None else None
    weights = penalty.alpha * np.asarray(penalty.weights) if weights is None else weights
    if not penalty.positive:
        atoms, weights = np.concatenate([atoms, -atoms]), np.concatenate([weights, weights])

    def objective(z):
        y = z @ atoms
        if isinstance(term, Huber):
            slope = -np.clip(x - y, -term.delta, term.delta)
        else:
            slope = 1 - x / y
        return cost(term, x[None], y[None])[0] + weights @ z, slope @ atoms.T + weights

    start = np.full(len(atoms), 0.5)
    bounds = [(1e-12, None)] * len(atoms)
    options = {"maxiter": 5000, "maxfun": 50000, "ftol": 1e-15, "gtol": 1e-10}
    return minimize(objective, start, jac=True, bounds=bounds, options=options).fun


@pytest.mark.parametrize("penalty", PENALTIES, ids=["l1", "positive", "weights"])
def test_absolute_is_the_linear_program(signals, penalty):
    X, atoms = signals
    result = encode(X, atoms, Absolute(), penalty)
    assert result.converged.all()
    expected = [least_by_linprog(x, atoms, penalty) for x in X]
    np.testing.assert_allclose(result.certificate.objective, expected, rtol=1e-6)


@pytest.mark.parametrize("penalty", PENALTIES, ids=["l1", "positive", "weights"])
@pytest.mark.parametrize("delta", [0.1, 1.0])
def test_huber_is_the_optimum_of_scipy(signals, penalty, delta):
    X, atoms = signals
    result = encode(X, atoms, Huber(delta), penalty)
    assert result.converged.all()
    expected = [least_by_lbfgs(Huber(delta), x, atoms, penalty) for x in X]
    np.testing.assert_allclose(result.certificate.objective, expected, rtol=1e-6)
    if penalty.positive:
        assert (result.codes >= 0).all()


@pytest.mark.parametrize("alpha", [0.05, 2.0])
def test_kullback_leibler_is_the_optimum_of_scipy(counts, alpha):
    X, atoms = counts
    penalty = L1(alpha, positive=True)
    result = encode(X, atoms, KullbackLeibler(), penalty)
    assert result.converged.all() and (result.codes >= 0).all()
    expected = [least_by_lbfgs(KullbackLeibler(), x, atoms, penalty) for x in X]
    np.testing.assert_allclose(result.certificate.objective, expected, rtol=1e-5, atol=1e-5)


def test_huber_of_a_large_delta_is_the_lasso(signals):
    X, atoms = signals
    codes = encode(X, atoms, Huber(100.0), L1(0.3)).codes
    np.testing.assert_allclose(codes, FISTA(tol=1e-12).solve(X, atoms, L1(0.3)).codes, atol=1e-5)


def test_wild_features_hardly_move_robust_codes():
    rng = check_random_state(3)
    dictionary = Dictionary.random(20, 60, random_state=0)
    truth = np.zeros((10, 20))
    truth[:, :3] = rng.choice([-2.0, 2.0], (10, 3))
    X = dictionary.decode(truth)
    X[np.arange(10)[:, None], rng.randint(0, 60, (10, 4))] += 20
    plain = FISTA().solve(X, dictionary, L1(0.05)).codes
    for term in (Huber(0.05), Absolute()):
        codes = encode(X, dictionary, term, L1(0.02)).codes
        assert np.abs(codes - truth).max() < 0.2 < np.abs(plain - truth).max()


@pytest.mark.parametrize("term", [Huber(0.3), Absolute(), KullbackLeibler()], ids=repr)
def test_the_gap_bounds_the_distance_from_the_optimum(signals, counts, term):
    X, atoms = counts if term.counts else signals
    penalty = L1(0.3, positive=True)
    result = encode(X, atoms, term, penalty, tol=1e-9)
    best, rng = result.certificate.objective, check_random_state(4)
    for size in (0.0, 0.01, 1.0):
        codes = result.codes + size * rng.random_sample(result.codes.shape)
        for duals in (None, result.duals, rng.standard_normal(X.shape)):
            certificate = certify(X, codes, atoms, term, penalty, duals=duals)
            expected = cost(term, X, codes @ atoms) + 0.3 * codes.sum(axis=1)
            np.testing.assert_allclose(certificate.objective, expected, rtol=1e-9)
            assert (certificate.objective - best <= certificate.gap * (1 + 1e-9) + 1e-8).all()
    assert certify(X, result.codes, atoms, term, penalty, duals=result.duals).relative_gap.max() < (
        1e-8
    )
    assert np.isinf(certify(X, -1 - codes, atoms, term, penalty).gap).all()


@pytest.mark.parametrize("term", [Huber(0.3), Absolute(), KullbackLeibler()], ids=repr)
def test_missing_entries_are_left_out(signals, counts, term):
    X, atoms = counts if term.counts else signals
    X = X.copy()
    X[0, [1, 4]], X[1] = np.nan, np.nan
    penalty = L1(0.3, positive=True)
    result = encode(X, atoms, term, penalty, missing=True, tol=1e-8)
    seen = ~np.isnan(X[0])
    alone = encode(X[:1, seen], atoms[:, seen], term, penalty, tol=1e-8)
    np.testing.assert_allclose(
        result.certificate.objective[0], alone.certificate.objective[0], rtol=1e-6
    )
    assert not result.codes[1].any() and result.certificate.gap[1] == 0


@pytest.mark.parametrize("term", [Absolute(), KullbackLeibler()], ids=repr)
def test_units_rows_threads_and_types(signals, counts, term):
    X, atoms = counts if term.counts else signals
    penalty = L1(0.3, positive=True)
    objective = encode(X, atoms, term, penalty, tol=1e-8).certificate.objective
    for of_x, of_atoms in ((1e-3, 1.0), (1e6, 1e3)):
        scaled = encode(of_x * X, of_atoms * atoms, term, penalty.scaled(of_atoms), tol=1e-8)
        np.testing.assert_allclose(scaled.certificate.objective / of_x, objective, rtol=1e-6)
    alone = np.concatenate([encode(x[None], atoms, term, penalty).codes for x in X])
    together = encode(X, atoms, term, penalty).codes
    if numba.config.DISABLE_JIT:
        np.testing.assert_allclose(alone, together, atol=1e-8)
    else:
        np.testing.assert_array_equal(alone, together)
    many = np.tile(X, (60, 1))
    one, two = (encode(many, atoms, term, penalty, n_jobs=n).codes for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    single = encode(X.astype(np.float32), atoms.astype(np.float32), term, penalty)
    assert single.codes.dtype == np.float32 and single.converged.all()


def test_offset_and_samples_of_zero(signals, counts):
    X, atoms = signals
    offset = np.arange(10.0)
    for term in (Huber(0.3), Absolute()):
        plain = encode(X, atoms, term, L1(0.3)).codes
        moved = encode(X + offset, Dictionary(atoms, offset), term, L1(0.3)).codes
        np.testing.assert_allclose(moved, plain, atol=1e-8)
        assert not encode(0 * X, atoms, term, L1(0.3)).codes.any()
    nothing = encode(0 * counts[0], counts[1], KullbackLeibler(), L1(0.3, positive=True))
    assert not nothing.codes.any() and nothing.converged.all()


def test_too_few_iterations_are_told(signals):
    X, atoms = signals
    with pytest.warns(ConvergenceWarning, match=r"encode: \d of 6 samples.*max_iter=2"):
        result = encode(X, atoms, Absolute(), L1(0.3), max_iter=2)
    assert not result.converged.all() and "converged" in repr(result)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data_term": "huber"}, r"data_term is 'huber'; expected an instance of a DataTerm"),
        ({"data_term": Huber}, "data_term is"),
        ({"data_term": Huber(0.0)}, "delta of Huber is 0"),
        ({"data_term": Huber(np.nan)}, "delta of Huber is"),
        ({"penalty": ElasticNet(0.1)}, "penalty is ElasticNet.*expected an instance of L1"),
        ({"penalty": L1(0.0)}, "penalty has weights of 0"),
        ({"penalty": L1(1.0, [1.0, 2.0])}, "weights"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"tol": -1.0}, "tol is -1"),
        ({"X": np.full((6, 10), np.nan)}, "NaN"),
        ({"X": np.ones((6, 9))}, "X has 9"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"data_term": KullbackLeibler()}, "penalty allows negative coefficients"),
    ],
)
def test_bad_input(signals, changes, message):
    X, atoms = signals
    given = {"X": X, "dictionary": atoms, "data_term": Absolute(), "penalty": L1(0.3)} | changes
    with pytest.raises((TypeError, ValueError), match=message):
        encode(**given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": -np.ones((10, 12))}, "X has the negative entry -1"),
        ({"dictionary": -np.ones((8, 12))}, "the atoms have the negative entry"),
        ({"dictionary": np.eye(8, 12)}, "every atom is 0 at feature 8"),
        ({"dictionary": Dictionary(np.ones((8, 12)), np.ones(12))}, "the dictionary has an offset"),
    ],
)
def test_bad_counts(counts, changes, message):
    X, atoms = counts
    given = {"X": X + 1, "dictionary": atoms} | changes
    with pytest.raises(ValueError, match=message):
        encode(**given, data_term=KullbackLeibler(), penalty=L1(0.3, positive=True))


def test_counts_that_are_missing_hide_no_negative_ones(counts):
    X, atoms = counts
    given = {"dictionary": atoms, "data_term": KullbackLeibler(), "missing": True}
    given["penalty"] = L1(0.3, positive=True)
    none = encode(np.full((2, 12), np.nan), **given)
    assert not none.codes.any() and not none.certificate.gap.any()
    X = np.array(X, dtype=float)
    X[0, :2] = np.nan, -1
    for rows in (X, sparse.csr_array(X)):
        with pytest.raises(ValueError, match="X has the negative entry -1"):
            encode(rows, **given)


def test_certify_refuses_duals_of_other_samples(signals):
    X, atoms = signals
    with pytest.raises(ValueError, match="duals has 2 rows but X has 6 samples"):
        certify(X, np.zeros((6, 15)), atoms, Absolute(), L1(0.3), duals=X[:2])
    assert isinstance(Absolute(), DataTerm) and Huber(0.5) == Huber(0.5)
