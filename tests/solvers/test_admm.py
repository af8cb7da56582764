"""ADMM: the textbook iteration, independent solvers, any rho, and the best code it has seen."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso

from sparsecode import Dictionary, certify
from sparsecode.objective import objective
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, LogSum
from sparsecode.solvers import ADMM, FISTA, FeatureSign, admm

CONVEX = [L1(0.3), L1(0.2, positive=True), ElasticNet(0.3), L1(0.3, np.linspace(0.5, 2, 9))]


def problem(n_components, n_features, n_samples=6, seed=0):
    rng = np.random.default_rng(seed)
    atoms = rng.standard_normal((n_components, n_features)) / np.sqrt(n_features)
    return rng.standard_normal((n_samples, n_features)), atoms


def textbook(X, atoms, penalty, rho, relaxation, n_iter):
    """The iterates `v` of Boyd et al., section 6.4, in scaled form, with duals of the start."""
    corr, gram = X @ atoms.T, atoms @ atoms.T
    v, u = np.zeros_like(corr), corr / rho
    yield v
    for _ in range(n_iter):
        z = np.linalg.solve(gram + rho * np.eye(len(gram)), (corr + rho * (v - u)).T).T
        z = relaxation * z + (1 - relaxation) * v
        v = penalty.prox(z + u, 1 / rho)
        u = u + z - v
        yield v


@pytest.mark.parametrize("penalty", CONVEX, ids=repr)
@pytest.mark.parametrize(("rho", "relaxation"), [(1.0, 1.0), (0.3, 1.6), (4.0, 1.8)])
def test_is_the_textbook_iteration(X, frame, penalty, rho, relaxation):
    iterates = list(textbook(X, frame, penalty, rho, relaxation, 23))
    expected = [objective(X, v, frame, penalty) for v in iterates]
    solver = ADMM(max_iter=23, tol=0, rho=rho, relaxation=relaxation)
    result = solver.solve(X, frame, penalty, record=True)
    np.testing.assert_allclose(result.history["objective"][:-1], expected[:-1], rtol=1e-10)
    due = [0, 5, 10, 15, 20, 23]
    best = np.array([expected[t] for t in due]).argmin(axis=0)
    kept = [iterates[due[i]][s] for s, i in enumerate(best)]
    np.testing.assert_allclose(
        result.certificate.objective, objective(X, kept, frame, penalty), rtol=1e-12
    )
    # Codes of the same objective are the same only as far as rounding tells them apart.
    np.testing.assert_allclose(result.codes, kept, atol=1e-6)


@pytest.mark.parametrize("shape", [(25, 10), (10, 25), (10, 10), (1, 4), (4, 1)], ids=str)
@pytest.mark.parametrize("rho", [None, 0.5])
def test_agrees_with_feature_sign(shape, rho):
    X, atoms = problem(*shape)
    for penalty in (L1(0.1), ElasticNet(0.2, 0.4)):
        result = ADMM(tol=1e-9, rho=rho, max_iter=50_000).solve(X, atoms, penalty)
        expected = FeatureSign(tol=1e-12).solve(X, atoms, penalty)
        assert result.certificate.relative_gap.max() <= 1e-9
        np.testing.assert_allclose(result.codes, expected.codes, atol=2e-4)
        assert ((result.codes != 0).sum(axis=1) <= (expected.codes != 0).sum(axis=1) + 1).all()


@pytest.mark.parametrize("positive", [False, True])
def test_scikit_learn_lasso(positive):
    X, atoms = problem(25, 10)
    oracle = Lasso(0.01, fit_intercept=False, tol=1e-14, max_iter=100_000, positive=positive)
    expected = [oracle.fit(atoms.T, x).coef_ for x in X]
    codes = ADMM(tol=1e-12).solve(X, atoms, L1(0.1, positive=positive)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-5)


def test_scikit_learn_elastic_net():
    X, atoms = problem(25, 10)
    oracle = SklearnElasticNet(0.03, l1_ratio=0.7, fit_intercept=False, tol=1e-14, max_iter=100_000)
    expected = [oracle.fit(atoms.T, x).coef_ for x in X]
    codes = ADMM(tol=1e-12).solve(X, atoms, ElasticNet(0.3, 0.7)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-5)


def test_orthonormal_atoms_are_thresholded(rng):
    atoms = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    X = rng.standard_normal((4, 5))
    corr = X @ atoms.T
    expected = np.sign(corr) * np.maximum(np.abs(corr) - 0.3, 0)
    codes = ADMM(tol=1e-13).solve(X, atoms, L1(0.3)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-6)
    assert ((codes == 0) == (expected == 0)).all()


@pytest.mark.parametrize("rho", [None, 0.2, 5.0])
def test_a_solution_is_a_fixed_point(rho):
    X, atoms = problem(25, 10)
    start = FeatureSign(tol=0).solve(X, atoms, L1(0.1)).codes
    codes = ADMM(tol=0, max_iter=40, rho=rho).solve(X, atoms, L1(0.1), codes=start).codes
    np.testing.assert_allclose(codes, start, atol=1e-12)


def test_scale_does_not_matter():
    """With the default rho, units change neither the iterations nor the codes."""
    X, atoms = problem(25, 10)
    solver = ADMM(max_iter=40, tol=0)
    plain = solver.solve(X, atoms, L1(0.1), record=True)
    scaled = solver.solve(64 * X, 8 * atoms, L1(0.1 * 8 * 64), record=True)
    np.testing.assert_allclose(scaled.codes, 8 * plain.codes, atol=1e-9)
    half_squared_norm = (X**2).sum(axis=1) / 2
    for name, unit in (("objective", 64**2 * half_squared_norm), ("stop", 1)):
        expected = plain.history[name] / (half_squared_norm if name == "objective" else 1)
        np.testing.assert_allclose(scaled.history[name] / unit, expected, atol=1e-9)


def test_samples_do_not_share_rho(monkeypatch):
    """Each sample balances its own residuals, so that others make no difference to it."""
    X, atoms = problem(25, 10, n_samples=12)
    X *= np.logspace(-2, 2, 12)[:, None]
    atoms *= np.logspace(-1, 1, 25)[:, None]
    rhos = []
    solve = admm._Factors.solve
    monkeypatch.setattr(
        admm._Factors, "solve", lambda *args: rhos.append(args[2].copy()) or solve(*args)
    )
    whole = ADMM(tol=0, max_iter=60).solve(X, atoms, L1(0.1)).codes
    assert len(set(rhos[-1])) > 2 and rhos[-1].min() < rhos[0][0] < rhos[-1].max()
    alone = [ADMM(tol=0, max_iter=60).solve(x[None], atoms, L1(0.1)).codes[0] for x in X]
    scale = np.abs(whole).max(axis=1, initial=1e-3, keepdims=True)
    np.testing.assert_allclose(whole / scale, alone / scale, atol=1e-9)


def test_balancing_makes_up_for_a_bad_rho():
    X, atoms = problem(25, 10)
    # Both start from the mean squared norm, which is far from right where few atoms are large.
    atoms[0] *= 30
    adaptive = ADMM().solve(X, atoms, L1(0.1)).n_iter
    rho = float((np.linalg.norm(atoms, axis=1) ** 2).mean())
    with pytest.warns(ConvergenceWarning):
        fixed = ADMM(rho=rho, max_iter=1000).solve(X, atoms, L1(0.1)).n_iter
    assert np.median(adaptive) < np.median(fixed) / 2


def test_factors_once_for_the_batch(monkeypatch):
    calls = []
    eigh = np.linalg.eigh
    monkeypatch.setattr(admm.np.linalg, "eigh", lambda *a, **k: calls.append(1) or eigh(*a, **k))
    X, atoms = problem(9, 6, n_samples=600)
    ADMM(max_iter=20, tol=0).solve(X, atoms, L1(0.1))
    assert len(calls) == 1


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (6, 6)], ids=str)
def test_factors_solve_for_every_rho(shape, rng):
    """Also where atoms depend on each other, or are 0, and eigenvalues are rounding."""
    atoms = rng.standard_normal(shape)
    atoms[3], atoms[4] = 2 * atoms[0], 0
    factors = admm._Factors.of(Dictionary(atoms))
    rho, right = np.array([1e-3, 1.0, 1e3]), rng.standard_normal((3, shape[0]))
    found = factors.solve(right, rho)
    for x, weight, b in zip(found, rho, right, strict=True):
        expected = np.linalg.solve(atoms @ atoms.T + weight * np.eye(shape[0]), b)
        np.testing.assert_allclose(x, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("rho", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("shape", [(7, 4), (4, 7)], ids=str)
def test_factors_solve_for_any_rho(rho, shape, rng):
    _, atoms = problem(*shape)
    right = rng.standard_normal((3, shape[0]))
    solved = admm._Factors.of(Dictionary(atoms)).solve(right, np.full(3, rho))
    expected = np.linalg.solve(atoms @ atoms.T + rho * np.eye(shape[0]), right.T).T
    np.testing.assert_allclose(solved, expected, rtol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_certifies_what_it_returns(dtype, rng):
    """Every sample stops where the code returned, not another, is good enough."""
    X, atoms = (array.astype(dtype) for array in problem(30, 10))
    tol = 1e-4 if dtype == np.float32 else 1e-8
    start = 0.3 * rng.standard_normal((len(X), 30))
    result = ADMM(tol=tol).solve(X, atoms, L1(0.05), codes=start, record=True)
    assert result.certificate.relative_gap.max() <= tol
    stop = result.history["stop"][-1]
    np.testing.assert_allclose(stop, result.certificate.relative_gap, atol=tol / 5)


def test_is_never_worse_than_the_start():
    X, atoms = problem(25, 10)
    start = FeatureSign(tol=1e-4).solve(X, atoms, L1(0.1))
    for max_iter in range(1, 12):
        solver = ADMM(tol=0, max_iter=max_iter, rho=50.0)
        result = solver.solve(X, atoms, L1(0.1), codes=start.codes)
        above = result.certificate.objective - start.certificate.objective
        assert above.max() <= 1e-12


def test_samples_stop_one_by_one():
    """A sample costs what it needs, whatever the others need."""
    X, atoms = problem(25, 10)
    X[-1] = 0
    solver = ADMM()
    result = solver.solve(X, atoms, L1(0.1), record=True)
    assert result.certificate.relative_gap.max() <= result.tol
    assert result.n_iter[-1] == 0 and result.n_iter[:-1].min() < result.n_iter.max()
    for stop, n_iter in zip(result.history["stop"].T, result.n_iter, strict=True):
        # Every fifth iteration a sample looks: at the last look, and at none before, it was good.
        looks = stop[: n_iter + 1 : 5]
        assert looks[-1] <= result.tol and (looks[:-1] > 0.99 * result.tol).all()
    for x, found in zip(X, result.certificate.objective, strict=True):
        alone = solver.solve(x[None], atoms, L1(0.1)).certificate
        assert alone.relative_gap[0] <= result.tol
        np.testing.assert_allclose(found, alone.objective[0], atol=result.tol * (x @ x))


def test_weights_of_infinity_and_zero():
    X, atoms = problem(12, 8)
    weights = np.linspace(0.5, 2, 12)
    weights[3], weights[7] = np.inf, 0
    result = ADMM(tol=1e-9).solve(X, atoms, L1(0.3, weights))
    expected = FISTA(tol=1e-10, max_iter=100_000).solve(X, atoms, L1(0.3, weights))
    assert (result.codes[:, 3] == 0).all()
    np.testing.assert_allclose(
        result.certificate.objective, expected.certificate.objective, rtol=1e-7
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_repeated_atoms_and_few_features(dtype):
    X, atoms = problem(12, 8)
    atoms = np.vstack([atoms, atoms, -atoms[:3], 0 * atoms[:1]]).astype(dtype)
    tol = 1e-4 if dtype == np.float32 else 1e-7
    codes = ADMM(tol=tol).solve(X.astype(dtype), atoms, L1(0.1)).codes
    assert certify(X.astype(dtype), codes, atoms, L1(0.1)).relative_gap.max() <= tol


@pytest.mark.parametrize("penalty", [L0(0.1), LogSum(0.1), Cauchy(0.1)], ids=repr)
def test_refuses_what_is_not_convex(X, frame, penalty):
    message = (
        f"ADMM needs a convex penalty; got {type(penalty).__name__}. "
        "Use ISTA, FISTA or CoordinateDescent."
    )
    with pytest.raises(TypeError, match=message):
        ADMM().solve(X, frame, penalty)


@pytest.mark.parametrize(
    "params", [{"rho": 0}, {"rho": -1.0}, {"rho": np.inf}, {"relaxation": 0}, {"relaxation": 2.0}]
)
def test_parameters_out_of_range(X, frame, params):
    with pytest.raises(ValueError, match=next(iter(params))):
        ADMM(**params).solve(X, frame, L1(0.1))
