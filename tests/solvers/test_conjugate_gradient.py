"""Conjugate gradient against scipy, and where Olshausen and Field's iteration starts."""

import numpy as np
import pytest
from scipy.optimize import minimize

from sparsecode import Dictionary, certify
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, LogSum
from sparsecode.solvers import FISTA, ConjugateGradient

PENALTIES = [Cauchy(0.2, 1.0), Cauchy(0.022, 0.316), Cauchy(0.0)]
penalties = pytest.mark.parametrize("penalty", PENALTIES, ids=repr)


def by_scipy(x, atoms, penalty, start):
    def loss(z):
        residual = z @ atoms - x
        value = residual @ residual / 2 + penalty.value(z[None])[0]
        return value, residual @ atoms.T + penalty.grad(z[None])[0]

    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-10}).x


@penalties
def test_ends_where_scipy_ends(X, frame, penalty):
    result = ConjugateGradient(tol=1e-9, max_iter=5000).solve(X, frame, penalty)
    assert result.converged.all()
    expected = np.array(
        [by_scipy(x, frame, penalty, z) for x, z in zip(X, result.codes, strict=True)]
    )
    found = certify(X, result.codes, frame, penalty).objective
    best = certify(X, expected, frame, penalty).objective
    np.testing.assert_allclose(found, best, rtol=1e-8, atol=1e-12)


@penalties
def test_is_stationary(X, frame, penalty):
    result = ConjugateGradient(tol=1e-8, max_iter=5000).solve(X, frame, penalty)
    gradient = (result.codes @ frame - X) @ frame.T + penalty.grad(result.codes)
    largest = np.abs(X @ frame.T).max(axis=1)
    assert (np.abs(gradient).max(axis=1) <= 1e-8 * largest * (1 + 1e-6)).all()


def test_agrees_with_fista_where_the_problem_is_convex(X, rng):
    """As many atoms as features, well conditioned: G outweighs the penalty's curvature."""
    atoms = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    penalty = Cauchy(0.3, 1.0)
    one = ConjugateGradient(tol=1e-9).solve(X, atoms, penalty).codes
    other = FISTA(tol=1e-9).solve(X, atoms, penalty).codes
    np.testing.assert_allclose(one, other, atol=1e-7)


def test_quadratic_in_as_many_iterations_as_atoms(X, rng):
    """Without a penalty it is linear conjugate gradient: exact after n iterations."""
    atoms = rng.standard_normal((6, 6)) + 3 * np.eye(6)
    codes = ConjugateGradient(tol=0, max_iter=7).solve(X, atoms, Cauchy(0.0)).codes
    np.testing.assert_allclose(codes, X @ np.linalg.inv(atoms), atol=1e-6)


@penalties
def test_objective_never_rises(X, frame, penalty, rng):
    start = 3 * rng.standard_normal((len(X), 9))
    solver = ConjugateGradient(tol=0, max_iter=60)
    history = solver.solve(X, frame, penalty, codes=start, record=True).history["objective"]
    assert (np.diff(history, axis=0) <= 1e-12 * history[0]).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_further_iterations_do_no_harm(X, frame, dtype, rng):
    """Directions that cost nothing are flat up to rounding; steps along them must not run away."""
    start = 3 * rng.standard_normal((len(X), 9))
    solver = ConjugateGradient(tol=0, max_iter=1000)
    result = solver.solve(X.astype(dtype), frame.astype(dtype), Cauchy(0.0), codes=start)
    assert result.certificate.objective.max() < (1e-12 if dtype == np.float64 else 1e-6)


def test_starts_at_the_correlations_over_squared_norms(X, frame):
    lengths = np.linspace(0.5, 3, 9)[:, None]
    atoms, penalty = lengths * frame, Cauchy(0.2)
    start = X @ atoms.T / (atoms**2).sum(axis=1)
    solver = ConjugateGradient(tol=0, max_iter=3)
    implicit = solver.solve(X, atoms, penalty, record=True)
    explicit = solver.solve(X, atoms, penalty, codes=start)
    np.testing.assert_allclose(implicit.codes, explicit.codes, atol=1e-10)
    first = certify(X, start, atoms, penalty).objective
    np.testing.assert_allclose(implicit.history["objective"][0], first)


def test_unequal_norms_cost_no_iterations(rng, n_samples):
    """The preconditioner makes the lengths of the atoms irrelevant."""
    X = rng.standard_normal((n_samples, 20))
    atoms = Dictionary.random(12, 20, random_state=0).atoms
    plain = ConjugateGradient(tol=1e-6).solve(X, atoms, Cauchy(0.0)).n_iter
    lengths = np.geomspace(1, 100, 12)[:, None]
    # The unit of `tol` is the longest atom's correlation, so it is made stricter.
    uneven = (
        ConjugateGradient(tol=1e-8, max_iter=2000).solve(X, lengths * atoms, Cauchy(0.0)).n_iter
    )
    assert uneven.max() <= 3 * plain.max()


@pytest.mark.parametrize("penalty", [L1(), L0(), LogSum(), ElasticNet()], ids=repr)
def test_refuses_what_is_not_smooth(X, frame, penalty):
    message = f"ConjugateGradient needs a smooth penalty; got {type(penalty).__name__}. Use FISTA"
    with pytest.raises(TypeError, match=message):
        ConjugateGradient().solve(X, frame, penalty)
