"""Proximal gradient solvers against independent implementations and brute force."""

import itertools

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import sparse_encode
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso

from sparsecode import Dictionary, certify
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, LogSum
from sparsecode.solvers import FISTA, ISTA

SOLVERS = [
    ISTA(max_iter=50_000, tol=1e-10),
    FISTA(tol=1e-10),
    FISTA(tol=1e-10, backtracking=False),
    FISTA(tol=1e-10, restart=False, max_iter=50_000),
]
NOT_CONVEX = SOLVERS[:3]
solvers = pytest.mark.parametrize("solver", SOLVERS, ids=repr)


@solvers
@pytest.mark.parametrize("algorithm", ["lasso_cd", "lasso_lars"])
def test_lasso_like_sklearn(X, frame, solver, algorithm):
    expected = sparse_encode(X, frame, algorithm=algorithm, alpha=0.3, max_iter=10_000)
    codes = solver.solve(X, frame, L1(0.3)).codes
    # sparse_encode of lasso_cd stops at a coarse tolerance of its own.
    np.testing.assert_allclose(codes, expected, atol=5e-3 if algorithm == "lasso_cd" else 1e-4)


@solvers
def test_non_negative_lasso_like_sklearn(X, frame, solver):
    model = Lasso(0.3 / 6, fit_intercept=False, positive=True, tol=1e-14, max_iter=10**6)
    expected = np.array([model.fit(frame.T, x).coef_ for x in X])
    codes = solver.solve(X, frame, L1(0.3, positive=True)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-4)
    assert (codes >= 0).all()


@solvers
def test_elastic_net_like_sklearn(X, frame, solver):
    model = SklearnElasticNet(0.4 / 6, l1_ratio=0.6, fit_intercept=False, tol=1e-14, max_iter=10**6)
    expected = np.array([model.fit(frame.T, x).coef_ for x in X])
    np.testing.assert_allclose(
        solver.solve(X, frame, ElasticNet(0.4, 0.6)).codes, expected, atol=1e-4
    )


@solvers
def test_ridge_in_closed_form(X, frame, solver):
    codes = solver.solve(X, frame, ElasticNet(0.5, l1_ratio=0.0)).codes
    expected = np.linalg.solve(frame @ frame.T + 0.5 * np.eye(9), frame @ X.T).T
    np.testing.assert_allclose(codes, expected, atol=1e-4)


@solvers
def test_weights_are_other_atoms(X, frame, solver):
    """Weight w on an atom is the plain lasso with the atom divided by w."""
    weights = np.linspace(0.5, 2, 9)
    weighted = solver.solve(X, frame, L1(0.3, weights=weights)).codes
    plain = solver.solve(X, frame / weights[:, None], L1(0.3)).codes
    np.testing.assert_allclose(weighted, plain / weights, atol=1e-4)


@solvers
def test_free_and_forbidden_atoms(X, frame, solver):
    weights = np.array([0, 0, 1, 1, 1, 1, 1, np.inf, np.inf])
    result = solver.solve(X, frame, L1(0.3, weights=weights))
    assert result.converged.all()
    assert (result.codes[:, 7:] == 0).all()
    # The residual of a free atom has nothing left along it.
    residual = X - result.codes @ frame
    np.testing.assert_allclose(residual @ frame[:2].T, 0, atol=1e-8)
    assert result.certificate.relative_gap.max() < 1e-8


@solvers
@pytest.mark.parametrize("penalty", [L1(0.3), ElasticNet(0.3), L1(0.2, positive=True)], ids=repr)
def test_permuted_atoms_rotated_features_scaled_data(X, frame, solver, penalty, rng):
    expected = solver.solve(X, frame, penalty).codes
    order = rng.permutation(9)
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    turned = solver.solve(X @ rotation, frame[order] @ rotation, penalty).codes
    np.testing.assert_allclose(turned, expected[:, order], atol=1e-4)
    if isinstance(penalty, L1):
        scaled = solver.solve(100 * X, frame, penalty.scaled(100)).codes
        np.testing.assert_allclose(scaled, 100 * expected, atol=1e-2)


@pytest.mark.parametrize("solver", NOT_CONVEX, ids=repr)
def test_l0_ends_at_a_fixed_point_found_by_brute_force(X, frame, solver):
    """Least squares on the support, kept coefficients above the threshold, others below."""
    alpha = 0.2
    dictionary = Dictionary(frame)
    codes = solver.solve(X, frame, L0(alpha)).codes
    threshold = np.sqrt(2 * alpha / dictionary.lipschitz)
    best = _best_l0_objective(X, frame, alpha)
    found = certify(X, codes, frame, L0(alpha)).objective
    assert (found >= best - 1e-9).all()
    assert (found <= 0.5 * (X**2).sum(axis=1) + 1e-12).all()
    for x, code in zip(X, codes, strict=True):
        support = np.flatnonzero(code)
        least = np.linalg.lstsq(frame[support].T, x, rcond=None)[0]
        np.testing.assert_allclose(code[support], least, atol=1e-6)
        assert (np.abs(code[support]) >= threshold * (1 - 1e-6)).all()
        gradient = frame @ (x - code @ frame)
        off = np.setdiff1d(np.arange(9), support)
        assert (np.abs(gradient[off]) / dictionary.lipschitz <= threshold * (1 + 1e-6)).all()


@pytest.mark.parametrize("solver", NOT_CONVEX, ids=repr)
def test_the_best_l0_code_is_kept(X, frame, solver):
    """The global minimiser over all supports is a fixed point: a warm start stays there."""
    alpha = 0.2
    best = np.array([_best_l0_code(x, frame, alpha) for x in X])
    result = solver.solve(X, frame, L0(alpha), codes=best)
    np.testing.assert_allclose(result.codes, best, atol=1e-9)


def _best_l0_code(x, atoms, alpha):
    best, best_cost = np.zeros(len(atoms)), 0.5 * x @ x
    for size in range(1, 7):
        for support in itertools.combinations(range(len(atoms)), size):
            support = list(support)
            values = np.linalg.lstsq(atoms[support].T, x, rcond=None)[0]
            residual = x - values @ atoms[support]
            cost = 0.5 * residual @ residual + alpha * size
            if cost < best_cost:
                best_cost, best = cost, np.zeros(len(atoms))
                best[support] = values
    return best


def _best_l0_objective(X, atoms, alpha):
    codes = np.array([_best_l0_code(x, atoms, alpha) for x in X])
    return certify(X, codes, atoms, L0(alpha)).objective


@pytest.mark.parametrize("solver", NOT_CONVEX, ids=repr)
@pytest.mark.parametrize("penalty", [LogSum(0.2, 0.5), Cauchy(0.2, 0.7)], ids=repr)
def test_no_small_move_is_better(X, frame, solver, penalty, rng):
    """At a stationary point no single coefficient can be improved."""
    codes = solver.solve(X, frame, penalty).codes
    at = certify(X, codes, frame, penalty).objective
    for j, step in itertools.product(range(9), (-1e-2, -1e-3, 1e-3, 1e-2)):
        moved = codes.copy()
        moved[:, j] += step
        assert (certify(X, moved, frame, penalty).objective >= at - 1e-10).all()


@solvers
def test_many_rows_in_float32_and_float64_agree(solver, rng):
    X = rng.standard_normal((20, 30))
    dictionary = Dictionary.random(40, 30, random_state=0)
    solver = clone(solver).set_params(tol=1e-4)
    exact = solver.solve(X, dictionary, L1(0.8))
    single = solver.solve(X.astype(np.float32), dictionary.astype(np.float32), L1(0.8))
    assert exact.certificate.relative_gap.max() <= 1e-4
    assert single.certificate.relative_gap.max() <= 1e-4


@pytest.mark.needs_jit
@pytest.mark.parametrize("solver", [ISTA(max_iter=30_000), FISTA()], ids=repr)
@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-8), (np.float32, 1e-5)])
def test_reaches_the_promised_gap(solver, dtype, tol, rng):
    X = rng.standard_normal((50, 64)).astype(dtype)
    dictionary = Dictionary.random(100, 64, random_state=0, dtype=dtype)
    result = clone(solver).set_params(tol=tol).solve(X, dictionary, L1(1.0))
    assert result.converged.all()
    assert result.certificate.relative_gap.max() <= tol


@solvers
@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e9])
def test_units_do_not_matter(X, frame, solver, scale):
    solver = clone(solver).set_params(tol=1e-6)
    one = solver.solve(X, frame, L1(0.3))
    other = solver.solve(scale * X, frame, L1(scale * 0.3))
    assert other.converged.all()
    assert other.certificate.relative_gap.max() <= 1e-6
    np.testing.assert_allclose(other.codes / scale, one.codes, atol=1e-5)
    longer = solver.solve(X, scale * frame, L1(scale * 0.3))
    np.testing.assert_allclose(longer.codes * scale, one.codes, atol=1e-5)
