"""What is returned is what is judged: no false claim, no code above its start or a code of 0."""

import sys
import warnings
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary, certify
from sparsecode.penalties import (
    L0,
    L1,
    MCP,
    SCAD,
    Cauchy,
    ElasticNet,
    KSparse,
    LogSum,
    Penalty,
    Tanh,
)
from sparsecode.solvers import (
    ADMM,
    FISTA,
    HTP,
    IHT,
    ISTA,
    LCA,
    ConjugateGradient,
    CoordinateDescent,
    FeatureSign,
    Homotopy,
)
from sparsecode.testing import check_penalty

sys.path.insert(0, str(Path(__file__).parents[3] / "docs" / "examples"))
from bounded_l1 import BoundedL1

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def check(result, solver, X, dictionary, penalty, codes=None):
    """Judge a result as `certify` does, and its objective in extended precision."""
    certificate = certify(X, result.codes, dictionary, penalty)
    measure = certificate.relative_gap if penalty.convex else certificate.relative_residual
    assert (measure[result.converged] <= result.tol * (1 + 1e-9)).all()
    atoms = np.asarray(dictionary, dtype=np.longdouble)
    slack = (2e-6 if result.codes.dtype == np.float32 else 1e-12) * certificate.half_squared_norm
    for start in (np.zeros_like(result.codes),) if codes is None else (0 * codes, codes):
        residual = X.astype(np.longdouble) - start.astype(np.longdouble) @ atoms
        before = (residual**2).sum(axis=1) / 2 + penalty.value(start.astype(np.float64))
        residual = X.astype(np.longdouble) - result.codes.astype(np.longdouble) @ atoms
        after = (residual**2).sum(axis=1) / 2 + penalty.value(result.codes.astype(np.float64))
        assert (after <= before + slack).all()
    return certificate


def coherent(seed, n_atoms, n_features, noise, n_samples=1, dtype=np.float32):
    rng = default_rng(seed)
    atoms = (1 + noise * rng.standard_normal((n_atoms, n_features))).astype(dtype)
    return rng.standard_normal((n_samples, n_features)).astype(dtype), atoms


@pytest.mark.parametrize("solver", [FISTA(), ISTA(), ADMM(), CoordinateDescent()], ids=repr)
@pytest.mark.parametrize("penalty", [L1(0.0), ElasticNet(0.1, l1_ratio=0.0)], ids=repr)
def test_the_code_of_a_sample_of_zeros_is_zero_from_any_start(solver, penalty):
    rng = np.random.default_rng(0)
    X, atoms, start = np.zeros((2, 4)), rng.standard_normal((6, 4)), np.ones((2, 6))
    X[1] = 1
    result = solver.solve(X, atoms, penalty, codes=start)
    assert (result.codes[0] == 0).all() and result.converged[0]
    assert (start == 1).all()


def test_float32_does_not_diverge_where_a_gram_matrix_is_not_positive():
    X, atoms = coherent(6, 8, 5, 1e-3)
    solver, penalty = CoordinateDescent(max_iter=2000), MCP(1e-3, 1.0)
    certificate = check(solver.solve(X, atoms, penalty), solver, X, atoms, penalty)
    assert certificate.objective[0] < 2.4


@pytest.mark.parametrize(
    "penalty",
    [L1(1e-3), Cauchy(1e-3), Tanh(1e-3), MCP(1e-3), SCAD(1e-3), L0(1e-3), LogSum(1e-3)],
    ids=repr,
)
def test_coherent_atoms_in_float32_are_never_worse_than_zero(penalty):
    solver = CoordinateDescent(max_iter=300)
    for seed in range(8):
        X, atoms = coherent(seed, 11, 15, 1e-2)
        check(solver.solve(X, atoms, penalty), solver, X, atoms, penalty)


@pytest.mark.parametrize("solver", [ADMM(), FISTA(), CoordinateDescent()], ids=repr)
def test_free_atoms_that_depend_on_each_other(solver):
    rng = default_rng(6)
    atoms = rng.standard_normal(2) + 0.1 * rng.standard_normal((17, 2))
    X, penalty = rng.standard_normal((1, 2)), L1(1.0, [0] * 4 + [1] * 13)
    result = solver.solve(X, atoms, penalty)
    assert result.converged.all() and np.abs(result.codes).max() < 10
    assert check(result, solver, X, atoms, penalty).objective[0] < 1e-6


@pytest.mark.parametrize("solver", [ADMM(), FISTA(), CoordinateDescent()], ids=repr)
def test_free_atoms_of_rank_two(solver):
    rng = default_rng(73)
    atoms = rng.standard_normal((4, 2)) @ rng.standard_normal((2, 5))
    X, penalty = rng.standard_normal((1, 5)), L1(0.1, np.zeros(4))
    result = solver.solve(X, atoms, penalty)
    best = ((X - X @ np.linalg.pinv(atoms) @ atoms) ** 2).sum() / 2
    assert result.converged.all() and np.abs(result.codes).max() < 100
    assert check(result, solver, X, atoms, penalty).objective[0] == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("noise", [1e-2, 1e-4])
@pytest.mark.parametrize("cls", [FeatureSign, Homotopy, CoordinateDescent])
def test_lasso_solvers_claim_in_float32_what_they_reach(cls, noise):
    X, atoms = coherent(0, 8, 5, noise, n_samples=30)
    solver = cls(tol=1e-4, max_iter=400)
    result = solver.solve(X, atoms, L1(1e-3))
    check(result, solver, X, atoms, L1(1e-3))
    assert result.converged.all() or noise == 1e-2


def test_warning_says_that_float32_is_too_coarse():
    X, atoms = coherent(0, 8, 5, 1e-2, n_samples=10)
    with pytest.warns(ConvergenceWarning, match="give X in float64"):
        FeatureSign(tol=1e-4).solve(X, atoms, L1(1e-3))


def test_smooth_claims_in_float32_are_true():
    X, atoms = coherent(3, 12, 8, 0.3, n_samples=40)
    solver, penalty = ConjugateGradient(), Cauchy(0.05)
    check(solver.solve(X, atoms, penalty), solver, X, atoms, penalty)


def test_a_start_better_than_the_answer_is_kept():
    rng = default_rng(0)
    X, atoms = rng.standard_normal((5, 6)), rng.standard_normal((9, 6))
    best = FISTA(tol=1e-13, max_iter=50_000).solve(X, atoms, L1(0.3)).codes
    for solver in (FISTA(tol=0.3), CoordinateDescent(tol=0.3), FISTA(tol=0, max_iter=2)):
        result = solver.solve(X, atoms, L1(0.3), codes=best)
        if solver.tol:
            check(result, solver, X, atoms, L1(0.3), best)
    # Far away, two steps do not get below a code of 0.
    result = FISTA(tol=0, max_iter=2).solve(X, atoms, L1(0.3), codes=best + 100)
    assert (result.codes == 0).all() and not result.converged.any()


@pytest.mark.parametrize("cls", [IHT, HTP])
def test_a_start_for_a_sample_of_zeros_is_dropped(cls):
    result = cls().solve([[0.0, 0.0]], [[1.0, 0], [0, 1.0]], KSparse(1), codes=[[3.0, 0.0]])
    assert (result.codes == 0).all() and result.converged.all()


@pytest.mark.parametrize("high", [1.0, 2.0])
def test_a_penalty_with_an_upper_bound(high):
    X = default_rng(0).standard_normal((6, 16))
    dictionary = Dictionary.from_samples(
        default_rng(1).standard_normal((40, 16)), 32, random_state=0
    )
    penalty = BoundedL1(0.1, high)
    objectives = []
    for solver in (FISTA(), CoordinateDescent(), ISTA(), LCA(), ADMM()):
        result = solver.solve(X, dictionary, penalty)
        assert result.converged.all() and 0 <= result.codes.min() <= result.codes.max() <= high
        objectives.append(check(result, solver, X, dictionary.atoms, penalty).objective)
    np.testing.assert_allclose(objectives, objectives[:1] * 5, rtol=1e-5)


class Lopsided(Penalty, namedtuple("Lopsided", ["alpha", "low"], defaults=(1.0, -0.5))):
    """Three times as dear below 0 as above, and bounded there."""

    __slots__ = ()
    convex = True

    def unpenalized(self, n_components):
        return np.zeros(n_components, dtype=bool)

    @staticmethod
    def _value(penalty, code, j):
        if code < penalty.low:
            return np.inf
        return penalty.alpha * (code if code > 0 else -3 * code)

    @staticmethod
    def _prox(penalty, value, step, j):
        t = penalty.alpha * step
        if value > t:
            return value - t
        return max(value + 3 * t, penalty.low) if value < -3 * t else value * 0

    @staticmethod
    def _dual_excess(penalty, correlation, j):
        return correlation / penalty.alpha if correlation > penalty.alpha else 0.0

    @staticmethod
    def _conjugate(penalty, correlation, j):
        below = correlation + 3 * penalty.alpha
        return penalty.low * below if below < 0 else 0.0


def test_an_asymmetric_penalty_with_a_lower_bound():
    check_penalty(Lopsided(0.3), n_components=8)


class Binary(Penalty, namedtuple("Binary", ["alpha"], defaults=(1.0,))):
    """Coefficients between 0 and 1, where the ends cost nothing: neither convex nor monotone."""

    __slots__ = ()

    def unpenalized(self, n_components):
        return np.zeros(n_components, dtype=bool)

    @staticmethod
    def _value(penalty, code, j):
        return np.inf if code < 0 or code > 1 else penalty.alpha * code * (1 - code)

    @staticmethod
    def _prox(penalty, value, step, j):
        t = penalty.alpha * step
        if 2 * t < 1:
            return min(max((value - t) / (1 - 2 * t), t * 0), t * 0 + 1)
        return t * 0 + 1 if value > 0.5 else t * 0


def test_a_penalty_that_falls_again():
    check_penalty(Binary(0.3), n_components=8)


PENALTIES = [L1(0.2), ElasticNet(0.2), MCP(0.2), L0(0.05)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_sweep_of_random_problems(penalty, dtype):
    """Random, nearly the same, repeated, badly scaled and zero atoms."""
    tried = 0
    for seed in range(6):
        rng = default_rng(seed)
        plain = rng.standard_normal((9, 5))
        atoms = [
            plain,
            1 + 10.0 ** rng.uniform(-4, -1) * plain,
            np.vstack([plain[:5], plain[:4]]),
            plain * 10.0 ** rng.uniform(-2, 2, size=(9, 1)),
            plain * (rng.uniform(size=(9, 1)) < 0.7),
        ][seed % 5].astype(dtype)
        X = rng.standard_normal((3, 5)).astype(dtype)
        scaled = penalty.scaled(10.0 ** rng.uniform(-3, 1))
        start = None if seed % 2 else rng.standard_normal((3, 9)).astype(dtype)
        for cls in (FISTA, CoordinateDescent, ADMM, FeatureSign, Homotopy):
            solver = cls(max_iter=200, tol=10.0 ** rng.integers(-8, -2))
            try:
                solver.check_penalty(scaled)
            except TypeError:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = solver.solve(X, atoms, scaled, codes=start)
            check(result, solver, X, atoms, scaled, start)
            tried += 1
    assert tried >= 12


@pytest.mark.parametrize("solver", [FISTA(), ISTA()], ids=repr)
def test_a_start_near_a_stationary_point_above_0_is_left_for_one_below(solver, frame):
    """Of a penalty that is not convex, both are stationary; 0 itself often is not."""
    rng = np.random.default_rng(5)
    X, penalty = rng.standard_normal((40, 6)), L0(0.2)
    starts = 2 * rng.standard_normal((40, 9))
    result = solver.solve(X, frame, penalty, codes=starts)
    assert result.converged.all()
    objective = result.certificate.objective
    assert (objective <= (X**2).sum(axis=1) / 2 * (1 + 1e-12)).all()
    assert (objective <= certify(X, starts, frame, penalty).objective).all()
    assert result.certificate.relative_residual.max() <= 2e-6
