"""FISTA: the momentum of the paper, restarts, backtracking, and stopping by sample."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, LogSum
from sparsecode.solvers import FISTA, ISTA


@pytest.mark.parametrize("penalty", [L1(0.3), ElasticNet(0.3), L1(0.2, positive=True)], ids=repr)
@pytest.mark.parametrize("n_iter", [1, 2, 3, 25])
def test_is_the_textbook_iteration(X, frame, penalty, n_iter):
    step = 1 / (Dictionary(frame).lipschitz * (1 + 1e-6))
    codes, point, age = np.zeros((len(X), 9)), np.zeros((len(X), 9)), 1.0
    for _ in range(n_iter):
        moved = penalty.prox(point + step * (X - point @ frame) @ frame.T, step)
        next_age = (1 + np.sqrt(1 + 4 * age**2)) / 2
        point = moved + (age - 1) / next_age * (moved - codes)
        codes, age = moved, next_age
    solver = FISTA(max_iter=n_iter, tol=0, restart=False, backtracking=False)
    np.testing.assert_allclose(solver.solve(X, frame, penalty).codes, codes, atol=1e-12)


def with_backtracking(x, atoms, penalty, n_iter, restart):
    """FISTA of one sample: the bound begins with the longest atom and grows where it must."""

    def cost(code):
        return ((x - code @ atoms) ** 2).sum() / 2 + penalty.value([code])[0]

    code = last = np.zeros(len(atoms))
    age, momentum, bound = 1.0, 0.0, (atoms**2).sum(axis=1).max()
    largest, restarts = Dictionary(atoms).lipschitz * (1 + 1e-6), set()
    for _ in range(n_iter):
        point = code + momentum * (code - last)
        while True:
            moved = penalty.prox([point + (x - point @ atoms) @ atoms.T / bound], 1 / bound)[0]
            move = moved - point
            curvature = ((move @ atoms) ** 2).sum() / max(move @ move, 1e-300)
            if bound == largest or curvature <= bound * (1 + 1e-12):
                break
            bound = min(max(curvature, 1.5 * bound), largest)
        if restart and momentum > 0 and cost(moved) > cost(code):
            age, momentum = 1.0, 0.0
            restarts.add("uphill")
            continue
        if restart and (point - moved) @ (moved - code) > 0:
            age = 1.0
            restarts.add("turned")
        next_age = (1 + np.sqrt(1 + 4 * age**2)) / 2
        momentum, age = (age - 1) / next_age, next_age
        last, code = code, moved
    return code, restarts


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("n_iter", [1, 2, 3, 40])
def test_is_the_iteration_with_backtracking(X, frame, n_iter, restart):
    atoms, penalty = frame * np.linspace(0.3, 0.9, 9)[:, None], L1(0.05)
    expected, restarts = zip(
        *(with_backtracking(x, atoms, penalty, n_iter, restart) for x in X), strict=True
    )
    solver = FISTA(max_iter=n_iter, tol=0, restart=restart)
    np.testing.assert_allclose(solver.solve(X, atoms, penalty).codes, expected, atol=1e-9)
    if restart and n_iter == 40:
        assert set.union(*restarts) == {"uphill", "turned"}


@pytest.mark.parametrize("backtracking", [False, True])
def test_quadratic_bound_of_the_paper(X, frame, backtracking):
    """F(z_k) - F* <= 2 L ||z_0 - z*||^2 / (k + 1)^2."""
    penalty, dictionary = L1(0.05), Dictionary(frame)
    best = FISTA(tol=1e-12, max_iter=50_000).solve(X, dictionary, penalty)
    solver = FISTA(max_iter=60, tol=0, restart=False, backtracking=backtracking)
    history = solver.solve(X, dictionary, penalty, record=True).history
    k = np.arange(1, 61)[:, None]
    # Backtracking may overshoot the curvature by its factor of 1.5, never above L itself.
    bound = 2 * dictionary.lipschitz * (best.codes**2).sum(axis=1) / (k + 1) ** 2
    excess = history["objective"][1:] - best.certificate.objective
    assert (excess <= bound * (1 + 1e-5) + 1e-12).all()


@pytest.mark.parametrize(
    "penalty", [L1(0.1), ElasticNet(0.1), L0(0.2), LogSum(0.2, 0.1), Cauchy(0.2)], ids=repr
)
@pytest.mark.parametrize("backtracking", [False, True])
def test_objective_never_rises_with_restart(X, frame, penalty, backtracking, rng):
    start = 3 * rng.standard_normal((len(X), 9))
    solver = FISTA(max_iter=80, tol=0, backtracking=backtracking)
    objective = solver.solve(X, frame, penalty, codes=start, record=True).history["objective"]
    assert (np.diff(objective, axis=0) <= 1e-12 * objective[0]).all()


def test_needs_fewer_iterations_than_ista(rng, n_samples):
    X = rng.standard_normal((n_samples, 10))
    dictionary = Dictionary.random(30, 10, random_state=0)
    slow = ISTA(max_iter=100_000, tol=1e-5).solve(X, dictionary, L1(0.1)).n_iter
    fast = FISTA(tol=1e-5).solve(X, dictionary, L1(0.1)).n_iter
    assert fast.mean() < slow.mean() / 3


def test_samples_stop_one_by_one(X, frame):
    """A sample costs what it needs, whatever the others need."""
    tol = 1e-9
    # The last two need nothing, and one iteration.
    X = np.concatenate([X, 0 * X[:1], 1e-9 + 0.06 * frame[:1]])
    result = FISTA(tol=tol).solve(X, frame, L1(0.05), record=True)
    assert result.certificate.relative_gap.max() <= tol and result.n_iter[-2] == 0
    assert result.n_iter[-1] < result.n_iter[:-2].min()
    for stop, n_iter in zip(result.history["stop"].T, result.n_iter, strict=True):
        # Every fifth iteration a sample looks: at the last look, and at none before, it was good.
        looks = stop[: n_iter + 1 : 5]
        assert looks[-1] <= tol and (looks[:-1] > 0.99 * tol).all()
    for x, objective in zip(X, result.certificate.objective, strict=True):
        alone = FISTA(tol=tol).solve(x[None], frame, L1(0.05)).certificate
        assert alone.relative_gap[0] <= tol
        np.testing.assert_allclose(objective, alone.objective[0], atol=tol * (x @ x))


@pytest.mark.parametrize("penalty", [L0(0.1), LogSum(0.1), Cauchy(0.1)], ids=repr)
def test_without_restart_refuses_what_is_not_convex(X, frame, penalty):
    message = f"FISTA needs a convex penalty .*got {type(penalty).__name__}. Use FISTA"
    with pytest.raises(TypeError, match=message):
        FISTA(restart=False).solve(X, frame, penalty)
