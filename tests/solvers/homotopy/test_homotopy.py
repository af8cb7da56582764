"""Homotopy against the path of scikit-learn, on repeated atoms, and where it has to fall back."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso, lars_path_gram

from sparsecode import Dictionary, alpha_max, certify
from sparsecode.penalties import L1, ElasticNet
from sparsecode.solvers import FISTA, Homotopy
from sparsecode.solvers._kernels.cholesky import (
    append_to_factor,
    remove_from_factor,
    solve_factored,
)
from sparsecode.solvers._lasso import fallback


@pytest.fixture
def X(n_samples):
    return np.random.default_rng(0).standard_normal((4 * n_samples, 10))


@pytest.fixture
def dictionary():
    return Dictionary.random(25, 10, random_state=1)


@pytest.fixture
def sent_back(monkeypatch):
    """How many samples were left to the solver that this one falls back on."""
    counts = []
    solve = fallback.CoordinateDescent.solve

    def spy(self, X, *args, **options):
        counts.append(len(X))
        return solve(self, X, *args, **options)

    monkeypatch.setattr(fallback.CoordinateDescent, "solve", spy)
    return counts


@pytest.mark.parametrize("positive", [False, True])
def test_corners_are_those_of_scikit_learn(X, dictionary, positive, sent_back):
    """At every corner the same code, and on the way to it the same corners."""
    gram = dictionary.gram
    for x in X[:3]:
        alphas, _, codes = lars_path_gram(
            dictionary.atoms @ x, gram, n_samples=1, method="lasso", positive=positive
        )
        last = np.searchsorted(-alphas, -1e-3 * alphas[0])
        assert last > 5
        for k in range(1, last):
            penalty = L1(alphas[k], positive=positive)
            result = Homotopy(tol=0).solve(x[None], dictionary, penalty)
            np.testing.assert_allclose(result.codes[0], codes[:, k], atol=1e-9)
            between = L1((alphas[k - 1] + alphas[k]) / 2, positive=positive)
            way = Homotopy(tol=0).solve(x[None], dictionary, between, record=True)
            corners = np.column_stack([codes[:, :k], way.codes[0]]).T
            # Zeros of scikit-learn may be negative in the last bit.
            signed = L1(between.alpha)
            passed = certify(np.tile(x, (k + 1, 1)), corners, dictionary, signed).objective
            found = way.history["objective"][:, 0]
            # Each is passed, and nothing else; a step of no length may come between.
            distance = np.abs(found[:, None] - passed)
            assert distance.min(axis=0).max() <= 1e-9 and distance.min(axis=1).max() <= 1e-9
    assert sent_back == []


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5])
def test_scikit_learn_lasso(X, dictionary, alpha, positive, sent_back):
    oracle = Lasso(alpha / 10, fit_intercept=False, tol=1e-14, max_iter=100_000, positive=positive)
    expected = [oracle.fit(dictionary.atoms.T, x).coef_ for x in X]
    codes = Homotopy(tol=1e-12).solve(X, dictionary, L1(alpha, positive=positive)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-6)
    assert sent_back == []


@pytest.mark.parametrize("positive", [False, True])
def test_scikit_learn_elastic_net(X, dictionary, positive, sent_back):
    oracle = SklearnElasticNet(
        0.3 / 10, l1_ratio=0.7, fit_intercept=False, tol=1e-14, max_iter=100_000, positive=positive
    )
    expected = [oracle.fit(dictionary.atoms.T, x).coef_ for x in X]
    codes = Homotopy(tol=1e-12).solve(X, dictionary, ElasticNet(0.3, 0.7, positive)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-6)
    assert sent_back == []


@pytest.mark.parametrize(("dtype", "tol"), [(np.float32, 1e-4), (np.float32, 1e-6), (float, 1e-9)])
@pytest.mark.parametrize("copies", ["exact", "near", "negated"])
def test_repeated_atoms(X, dictionary, dtype, tol, copies, sent_back):
    noise = 1e-7 * np.random.default_rng(5).standard_normal(dictionary.atoms.shape)
    twin = {
        "exact": dictionary.atoms,
        "near": dictionary.atoms + noise,
        "negated": -dictionary.atoms,
    }
    atoms = np.vstack([dictionary.atoms, twin[copies]]).astype(dtype)
    result = Homotopy(tol=tol).solve(X.astype(dtype), atoms, L1(0.05))
    assert result.certificate.relative_gap.max() <= tol
    assert result.converged.all()
    # Copies are told apart; what is nearly one may lead off the path.
    assert sent_back == [] or copies == "near"


def test_near_copies_are_left_to_the_other_solver(X, dictionary, sent_back):
    noise = 1e-6 * np.random.default_rng(5).standard_normal(dictionary.atoms.shape)
    atoms = np.vstack([dictionary.atoms, dictionary.atoms + noise])
    result = Homotopy(tol=1e-10).solve(X, atoms, L1(0.05))
    assert sum(sent_back) > 0
    assert result.certificate.relative_gap.max() <= 1e-10


def test_tied_atoms_do_not_go_in_circles():
    """Every correlation is the same at the start, and the answer is not unique."""
    atoms = np.array([[1.0, 1], [1, -1], [np.sqrt(2), 0], [1, 1], [-1, -1], [0, 0]]) / np.sqrt(2)
    X = np.array([[1.0, 0], [1.0, 1.0], [0.0, -2.0]])
    result = Homotopy(tol=1e-12).solve(X, atoms, L1(0.1))
    assert result.certificate.relative_gap.max() <= 1e-12
    assert result.n_iter.max() < 20


def test_weights_of_infinity_and_zero(X, dictionary, sent_back):
    weights = np.linspace(0.5, 2, 25)
    weights[3] = np.inf
    for free in (False, True):
        weights[7] = 0 if free else 1
        penalty = L1(0.3, weights)
        result = Homotopy(tol=1e-9).solve(X, dictionary, penalty)
        expected = FISTA(tol=1e-10, max_iter=100_000).solve(X, dictionary, penalty)
        assert (result.codes[:, 3] == 0).all()
        np.testing.assert_allclose(
            result.certificate.objective, expected.certificate.objective, rtol=1e-7
        )
        assert sum(sent_back) == (len(X) if free else 0)


def test_codes_to_start_from(X, dictionary):
    """Returned if they are good enough; without effect if not."""
    solver, penalty = Homotopy(tol=1e-6), L1(0.1)
    cold = solver.solve(X, dictionary, penalty)
    loose = FISTA(tol=5e-7).solve(X, dictionary, penalty).codes
    kept = solver.solve(X, dictionary, penalty, codes=loose)
    np.testing.assert_array_equal(kept.codes, loose)
    assert (kept.n_iter == 0).all() and kept.converged.all()
    warm = solver.solve(X, dictionary, penalty, codes=loose + 0.1)
    np.testing.assert_array_equal(warm.codes, cold.codes)


def test_ends_early_where_the_gap_is_small(X, dictionary):
    exact = Homotopy(tol=0).solve(X, dictionary, L1(0.01))
    early = Homotopy(tol=0.2).solve(X, dictionary, L1(0.01))
    assert (early.n_iter < exact.n_iter).all()
    assert early.certificate.relative_gap.max() <= 0.2
    assert exact.certificate.relative_gap.max() <= 1e-13


def test_stops_at_the_given_number_of_corners(X, dictionary):
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        result = Homotopy(max_iter=3).solve(X, dictionary, L1(0.01))
    assert (result.n_iter == 3).all() and not result.converged.any()
    record = Homotopy(tol=0).solve(X, dictionary, L1(0.01), record=True).history
    np.testing.assert_allclose(result.certificate.objective, record["objective"][3], rtol=1e-9)
    np.testing.assert_allclose(result.certificate.relative_gap, record["stop"][3], rtol=1e-6)
    # The path is one of descent, also of the problem at its end.
    assert (np.diff(record["objective"], axis=0) <= 1e-12).all()


def test_any_weight_of_the_path_from_the_largest_one(X, dictionary):
    largest = alpha_max(X, dictionary)
    assert (Homotopy().solve(X, dictionary, L1(largest)).codes == 0).all()
    below = Homotopy().solve(X, dictionary, L1(0.999 * largest))
    assert (below.codes != 0).sum() == 1


def test_the_factor_follows_its_atoms(rng):
    atoms = rng.standard_normal((8, 12))
    factor, order = np.zeros((8, 8)), []

    def join(j):
        factor[len(order), : len(order)] = atoms[order] @ atoms[j]
        joined = append_to_factor(factor, len(order), atoms[j] @ atoms[j], 1e-12, 0.0)
        return order.append(j) if joined else None

    for j in (3, 1, 7, 0, 5):
        join(j)
    for p in (1, 3, 0):
        remove_from_factor(factor, len(order), p)
        order.pop(p)
        lower = np.tril(factor[: len(order), : len(order)])
        np.testing.assert_allclose(lower @ lower.T, atoms[order] @ atoms[order].T)
    join(order[0])
    assert len(order) == 2
    join(2)
    vector = rng.standard_normal(3)
    solved = vector.copy()
    solve_factored(factor, 3, solved)
    np.testing.assert_allclose(atoms[order] @ atoms[order].T @ solved, vector)
