"""Dictionary pairs: the objective by plain numpy, and steps that are stationary and lower it."""

import numpy as np
import pytest

from sparsecode.prediction.dictionary_pairs import PairProblem

SPANS = [slice(0, 2), slice(2, 5), slice(5, 7)]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def problem(rng):
    return PairProblem(unit(rng.standard_normal((40, 6))), np.arange(40) % 3, SPANS, 0.3, 0.2, 0.1)


def value(problem, codes, D, P):
    total = 0.0
    for c, span in enumerate(SPANS):
        mine = problem.index == c
        X, others, A = problem.X[mine], problem.X[~mine], codes[c]
        total += np.sum((X - A @ D[span]) ** 2) + 0.3 * np.sum((A - X @ P[span].T) ** 2)
        total += 0.2 * np.sum((others @ P[span].T) ** 2) + 0.1 * np.sum(P[span] ** 2)
    return total / 40


def best_codes(problem, D, P):
    """By least squares on rows that are stacked."""
    codes = []
    for c, span in enumerate(SPANS):
        X, n = problem.X[problem.index == c], span.stop - span.start
        rows = np.concatenate([D[span].T, np.sqrt(0.3) * np.eye(n)])
        right = np.concatenate([X.T, np.sqrt(0.3) * P[span] @ X.T])
        codes.append(np.linalg.lstsq(rows, right, rcond=None)[0].T)
    return codes


def test_objective_and_first_iteration(problem, rng):
    atoms = unit(rng.standard_normal((7, 6)))
    (first, before), (second, after) = problem.learn(atoms, 1)
    np.testing.assert_array_equal(first.synthesis, first.analysis)
    codes = best_codes(problem, *first)
    np.testing.assert_allclose(before, value(problem, codes, *first))
    np.testing.assert_allclose(after, value(problem, best_codes(problem, *second), *second))
    # The analysis atoms are stationary for the codes of before.
    for at in np.ndindex(7, 6):
        step = np.zeros((7, 6))
        step[at] = 1e-5
        P, D = second.analysis, first.synthesis
        slope = value(problem, codes, D, P + step) - value(problem, codes, D, P - step)
        assert abs(slope) < 1e-11
    # So are the codes themselves.
    for c, at in ((0, (0, 1)), (1, (3, 2)), (2, (5, 0))):
        steps = [code.copy() for code in codes]
        steps[c][at] += 1e-5
        up = value(problem, steps, *first)
        steps[c][at] -= 2e-5
        assert abs(up - value(problem, steps, *first)) < 1e-11


def test_the_objective_falls_to_where_atoms_are_best(problem, rng):
    states = list(problem.learn(unit(rng.standard_normal((7, 6))), 200))
    costs = np.array([cost for _, cost in states])
    assert (np.diff(costs) < 1e-12).all() and costs[-1] < 0.7 * costs[0]
    D, P = states[-1][0]
    assert np.linalg.norm(D, axis=1).max() < 1 + 1e-12
    codes = best_codes(problem, D, P)
    for _ in range(50):
        other = D + 1e-3 * rng.standard_normal(D.shape)
        other /= np.maximum(np.linalg.norm(other, axis=1, keepdims=True), 1)
        assert value(problem, codes, other, P) > costs[-1] - 1e-6


def test_few_directions_in_float32_need_no_large_ridge(rng):
    # All but one direction have a second moment of rounding only.
    X = np.outer(rng.standard_normal(3000), rng.standard_normal(8)).astype(np.float32)
    X += 1e-6 * rng.standard_normal(X.shape).astype(np.float32)
    spans = [slice(0, 2), slice(2, 4)]
    problem = PairProblem(X, np.arange(3000) % 2, spans, 0.05, 0.003, 1e-8)
    atoms = unit(rng.standard_normal((4, 8))).astype(np.float32)
    costs = [cost for _, cost in problem.learn(atoms, 3)]
    assert np.isfinite(costs).all() and costs[-1] <= costs[0]
