"""Coordinate descent against scikit-learn, its own condition of optimality, and safe screening."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import Lasso

from sparsecode import Dictionary, certify
from sparsecode._interrupts import halt_flag
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, LogSum
from sparsecode.solvers import FISTA, CoordinateDescent
from sparsecode.solvers.coordinate_descent.newton_jumps import (
    Part,
    jump_on_face,
    make_jump_workspace,
)
from sparsecode.solvers.coordinate_descent.solver import _coordinate_residual
from sparsecode.solvers.coordinate_descent.working_set import screen


@pytest.fixture
def X(n_samples):
    return np.random.default_rng(0).standard_normal((4 * n_samples, 10))


@pytest.fixture
def dictionary():
    return Dictionary.random(25, 10, random_state=1)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5])
def test_scikit_learn_lasso(X, dictionary, alpha, positive):
    oracle = Lasso(alpha / 10, fit_intercept=False, tol=1e-14, max_iter=100_000, positive=positive)
    expected = [oracle.fit(dictionary.atoms.T, x).coef_ for x in X]
    codes = CoordinateDescent(tol=1e-12).solve(X, dictionary, L1(alpha, positive=positive)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-6)


def test_scikit_learn_elastic_net(X, dictionary):
    oracle = SklearnElasticNet(
        0.3 / 10, l1_ratio=0.7, fit_intercept=False, tol=1e-14, max_iter=100_000
    )
    expected = [oracle.fit(dictionary.atoms.T, x).coef_ for x in X]
    codes = CoordinateDescent(tol=1e-15).solve(X, dictionary, ElasticNet(0.3, 0.7)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-6)


@pytest.mark.parametrize("penalty", [L0(0.2), LogSum(0.2, 0.1), Cauchy(0.05, 0.1)], ids=repr)
def test_no_coefficient_alone_can_improve(X, dictionary, penalty):
    """Stronger than a stationary point: each is the minimiser of its own problem."""
    scaled = dictionary.atoms * np.linspace(0.5, 2, 25)[:, None]
    solved = CoordinateDescent(tol=1e-10).solve(X, scaled, penalty)
    value = solved.certificate.objective
    for j in range(25):
        for there in (0.0, *np.linspace(-2, 2, 17)):
            codes = solved.codes.copy()
            codes[:, j] = there
            other = certify(X, codes, scaled, penalty).objective
            assert (other >= value * (1 - 1e-9)).all()


@pytest.mark.parametrize(
    "penalty",
    [L1(0.1), L1(0.05, positive=True), ElasticNet(0.1), L0(0.2), LogSum(0.2, 0.1), Cauchy(0.2)],
    ids=repr,
)
def test_objective_never_rises(X, dictionary, penalty, rng):
    start = penalty.prox(3 * rng.standard_normal((len(X), 25)), 0.1)
    atoms = np.vstack([dictionary.atoms[:20], dictionary.atoms[:5] + 1e-3])
    solver = CoordinateDescent(max_iter=80, tol=0)
    result = solver.solve(X, atoms, penalty, codes=start, record=True)
    objective = result.history["objective"]
    # Copies of atoms may take large coefficients that cancel, and so do the terms of the objective.
    terms = np.square(np.abs(result.codes) @ np.linalg.norm(atoms, axis=1))
    rounding = np.maximum(1e-12 * objective[0], np.finfo(float).eps * terms)
    assert (np.diff(objective, axis=0) <= rounding).all()


@pytest.mark.parametrize(("dtype", "tol"), [(np.float32, 1e-4), (float, 1e-10)])
@pytest.mark.parametrize("copies", ["exact", "near", "negated"])
def test_repeated_atoms(X, dictionary, dtype, tol, copies):
    noise = 1e-7 * np.random.default_rng(5).standard_normal(dictionary.atoms.shape)
    twin = {
        "exact": dictionary.atoms,
        "near": dictionary.atoms + noise,
        "negated": -dictionary.atoms,
    }
    atoms = np.vstack([dictionary.atoms, twin[copies]]).astype(dtype)
    result = CoordinateDescent(tol=tol).solve(X.astype(dtype), atoms, L1(0.05))
    assert result.certificate.relative_gap.max() <= tol
    # In float32 near copies differ by little more than rounding.
    assert result.n_iter.max() < 1000 or dtype is np.float32


@pytest.mark.parametrize("penalty", [L1(0.002), L1(0.01, positive=True), L0(1e-4)], ids=repr)
def test_strongly_correlated_atoms_take_few_sweeps(X, penalty):
    """Where coordinate descent alone creeps: cosines of .99 and a small weight."""
    rng = np.random.default_rng(3)
    atoms = 0.1 * rng.standard_normal((40, 10)) + rng.standard_normal(10)
    result = CoordinateDescent(tol=1e-10).solve(X, atoms, penalty)
    assert result.converged.all()
    assert result.n_iter.max() < 2000


def test_weights_of_infinity_and_zero(X, dictionary):
    weights = np.linspace(0.5, 2, 25)
    weights[3] = np.inf
    start = np.ones((len(X), 25))
    for free in (False, True):
        weights[7] = 0 if free else 1
        penalty = L1(0.3, weights)
        result = CoordinateDescent(tol=1e-9).solve(X, dictionary, penalty, codes=start)
        expected = FISTA(tol=1e-10, max_iter=100_000).solve(X, dictionary, penalty)
        assert (result.codes[:, 3] == 0).all()
        np.testing.assert_allclose(
            result.certificate.objective, expected.certificate.objective, rtol=1e-7
        )


def test_zero_atoms_and_samples(X, dictionary):
    atoms = np.vstack([dictionary.atoms, np.zeros((1, 10))])
    samples = np.vstack([X, np.zeros((2, 10))])
    start = np.ones((len(samples), 26))
    result = CoordinateDescent().solve(samples, atoms, L1(0.1), codes=start)
    assert (result.codes[-2:] == 0).all() and (result.codes[:, -1] == 0).all()
    assert result.certificate.relative_gap.max() <= 1e-6


def test_says_what_float32_cannot_reach(X, dictionary):
    single = X.astype(np.float32), dictionary.astype(np.float32)
    with pytest.warns(ConvergenceWarning, match="relative duality gap"):
        result = CoordinateDescent(tol=1e-12, max_iter=500).solve(*single, L1(0.1))
    assert result.certificate.relative_gap.max() < 1e-5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CoordinateDescent(tol=1e-5).solve(*single, L1(0.1))


def test_rowwise_penalties_are_refused(X, dictionary):
    class Rowwise(L1):
        separable = False

    with pytest.raises(TypeError, match=r"needs a separable penalty; got Rowwise. Use FISTA"):
        CoordinateDescent().solve(X, dictionary, Rowwise(0.1))


@pytest.mark.parametrize(
    "penalty",
    [
        L1(0.3),
        L1(0.3, positive=True),
        L1(0.3, np.linspace(0.5, 2, 25)),
        ElasticNet(0.4, 0.8),
        ElasticNet(0.4, 0.8, positive=True),
    ],
    ids=lambda p: f"{type(p).__name__}-{p.positive}",
)
def test_screening_is_safe_and_of_use(X, dictionary, penalty):
    """From any code, only atoms that the solution does not use are excluded."""
    best = CoordinateDescent(tol=1e-13).solve(X, dictionary, penalty).codes
    typed = penalty.prepare(25, np.float64)
    excluded = np.zeros(3)
    for i, tol in enumerate((0.1, 1e-2, 1e-6)):
        result = FISTA(tol=tol).solve(X, dictionary, penalty)
        residual = dictionary.residual(X, result.codes) @ dictionary.atoms.T
        scale = 1 / np.maximum(penalty.dual_excess(residual), 1)
        # The gap at this very scale, not the best of those that the certificate tries.
        duals = scale[:, None] * dictionary.residual(X, result.codes)
        dual = (X * duals).sum(axis=1) - (duals**2).sum(axis=1) / 2
        gap = result.certificate.objective - dual + penalty.conjugate(duals @ dictionary.atoms.T)
        radius = np.sqrt(2 * np.maximum(gap, 0) + 1e-12)
        for s in range(len(X)):
            candidates = np.arange(25)
            kept = screen(
                typed, scale[s], radius[s], residual[s], dictionary.norms,
                np.zeros(25), np.zeros(25, dtype=np.uint8), candidates, 25,
            )  # fmt: skip
            assert set(np.flatnonzero(best[s])) <= set(candidates[:kept])
            excluded[i] += 25 - kept
    unused = (best == 0).sum()
    assert excluded[2] > 0.9 * unused
    assert excluded[0] < excluded[2]


def test_screening_keeps_an_atom_that_a_ball_of_half_the_gap_would_drop():
    """The optimum is given: correlations of 1 with all atoms, and codes on all of them.

    At the start the first atom is not in use, and further from use than the root of the gap: only
    the ball of radius root of twice the gap has the optimal residual inside.
    """
    atoms = np.array([[-0.48, -0.81, 0.35], [0.57, 0.36, 0.74], [0.78, 0.16, 0.61]])
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    best, start = np.array([[0.001, 0.4, 0.5]]), np.array([[0.0, 0.376, 0.476]])
    X, penalty = np.linalg.solve(atoms, np.ones(3)) + best @ atoms, L1(1.0)
    gap = certify(X, start, atoms, penalty).gap[0]
    assert gap < 0.002 * (X**2).sum() / 2  # near enough to the optimum for screening to begin
    correlations = atoms @ (X - start @ atoms)[0]
    distance = 1 - correlations[0] / correlations.max()
    assert np.sqrt(gap) < distance < np.sqrt(2 * gap)
    result = CoordinateDescent(tol=1e-10).solve(X, atoms, penalty, codes=start)
    assert result.converged.all()
    np.testing.assert_allclose(result.codes, best, atol=1e-6)


def test_jumps_reach_the_minimum_over_the_support(dictionary):
    """From the right signs, l1 on a support is a linear system."""
    atoms = dictionary.atoms[:6]
    gram, signs = atoms @ atoms.T, np.array([1.0, -1, 1, 1, -1, 1])
    goal = 3 * signs
    corr = gram @ goal + 0.1 * signs
    code = 5 * signs
    part = Part(code, corr - gram @ code, 0.1 * signs)
    penalty, inverse, working = L1(0.1).prepare(6, np.float64), 1 / gram.diagonal(), np.arange(6)
    workspace = make_jump_workspace(code)
    jump_on_face(penalty, inverse, working, 6, gram, part, workspace, halt_flag())
    np.testing.assert_allclose(part.code, goal, rtol=1e-9)
    np.testing.assert_allclose(part.residual, 0.1 * signs, atol=1e-9)


@pytest.mark.parametrize("penalty", [L1(0.1), L0(0.1), ElasticNet(0.2, 0.5)], ids=repr)
def test_the_only_atom_that_can_move_is_found_wherever_it_is(penalty):
    X = 2 * np.eye(5)
    codes = CoordinateDescent(tol=1e-12).solve(X, np.eye(5), penalty).codes
    np.testing.assert_allclose(codes, penalty.prox(X), atol=1e-10)


@pytest.mark.parametrize("penalty", [L0(0.2), LogSum(0.2, 0.1)], ids=repr)
def test_residual_is_the_worst_step_to_the_minimum_over_one_coefficient(penalty, rng):
    squares, corr = rng.uniform(0.5, 2, 5), rng.standard_normal(5)
    squares[1] = 0
    code, residual = rng.standard_normal((2, 5))
    inverse = np.divide(1, squares, where=squares > 0, out=np.zeros(5))
    ends = [
        penalty._replace(alpha=penalty.alpha / square).prox([[b + r / square]])[0, 0]
        for b, r, square in zip(code, residual, squares, strict=True)
        if square
    ]
    kept = squares > 0
    moves = squares[kept] * np.abs(ends - code[kept])
    for order in (np.arange(5), np.arange(5)[::-1], np.argsort(squares)):
        typed = penalty.prepare(5, np.float64)
        found = _coordinate_residual(
            typed, inverse[order], corr[order], code[order], residual[order]
        )
        assert found == pytest.approx(moves.max() / np.abs(corr).max(), rel=1e-9)
