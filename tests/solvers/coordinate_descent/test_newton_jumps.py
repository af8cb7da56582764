"""Newton jumps against linear systems in NumPy: one after the other, until no sign changes."""

import numpy as np
import pytest

from sparsecode._interrupts import halt_flag
from sparsecode.penalties import L1, ElasticNet
from sparsecode.solvers.coordinate_descent.newton_jumps import (
    Part,
    _excess,
    _factorize,
    _multiply_by_gram,
    jump_on_face,
    make_jump_workspace,
)

WORKING = np.array([6, 0, 3, 8, 2, 7])


def problem(seed):
    """Gram block, correlations, codes and weights of a working set, whose last code is 0."""
    rng = np.random.default_rng(seed)
    atoms = rng.standard_normal((6, 12)) / np.sqrt(12)
    code = rng.uniform(0.2, 2, 6) * rng.choice([-1, 1], 6)
    code[5] = 0
    return atoms @ atoms.T, atoms @ rng.standard_normal(12), code, rng.uniform(0.05, 0.3, 9)


def jump(code, corr, gram, weights):
    working = WORKING[: len(code)]
    slope = weights[working] * np.sign(code)
    part = Part(code.copy(), corr - gram @ code, slope)
    penalty, inverse = L1(1.0, weights).prepare(9, np.float64), np.ones(9)
    inverse[working] = 1 / gram.diagonal()
    workspace = make_jump_workspace(code)
    jump_on_face(penalty, inverse, working, len(code), gram, part, workspace, halt_flag())
    return part


def face_minimum(code, corr, gram, slope):
    """Minimum for the signs at hand; the first coefficient on the way to change its own ends at 0.

    Also the number of jumps.
    """
    code = code.copy()
    for n_jumps in range(1, len(code) + 2):
        face = np.flatnonzero(code)
        goal = code.copy()
        goal[face] = np.linalg.solve(gram[np.ix_(face, face)], corr[face] - slope[face])
        changes = face[goal[face] * code[face] < 0]
        if len(changes) == 0:
            return goal, n_jumps
        caps = code[changes] / (code[changes] - goal[changes])
        code += caps.min() * (goal - code)
        code[changes[caps.argmin()]] = 0
    raise AssertionError("each jump sets a coefficient to 0")


def test_jumps_end_at_the_minimum_of_the_signs_that_are_left():
    n_jumps = []
    for seed in range(20):
        gram, corr, code, weights = problem(seed)
        expected, n = face_minimum(code, corr, gram, weights[WORKING] * np.sign(code))
        part = jump(code, corr, gram, weights)
        np.testing.assert_allclose(part.code, expected, atol=1e-10)
        np.testing.assert_allclose(part.residual, corr - gram @ part.code, atol=1e-10)
        np.testing.assert_array_equal(part.code == 0, expected == 0)
        n_jumps.append(n)
    assert {1, 2, 3} <= set(n_jumps)


@pytest.mark.parametrize("start", [0.0, 2.0])
def test_one_coefficient_jumps_and_one_of_0_does_not(start):
    part = jump(np.array([start]), np.array([2.5]), np.array([[2.0]]), np.full(9, 0.5))
    np.testing.assert_allclose(part.code, [1.0 if start else 0.0])
    np.testing.assert_allclose(part.residual, [0.5 if start else 2.5])


def test_a_jump_is_shorter_where_the_penalty_bends():
    """By half the curvature of the penalty: its slope is that at the start and at the end."""
    penalty, code, gram = ElasticNet(0.8, 0.5).prepare(9, np.float64), np.array([2.0]), np.eye(1)
    part = Part(code, np.array([5.0]) - code, 0.4 + 0.4 * code)
    workspace = make_jump_workspace(code)
    jump_on_face(penalty, np.ones(9), WORKING, 1, gram, part, workspace, halt_flag())
    full = 5 - 2 - 1.2
    np.testing.assert_allclose(part.code, 2 + full * (1 - 0.4 / 2))
    np.testing.assert_allclose(part.residual, 5 - part.code)


@pytest.mark.parametrize("positive", [False, True])
def test_excess_is_what_the_penalty_takes_beyond_its_slopes(positive):
    penalty = ElasticNet(0.4, 0.25, positive=positive)
    code, direction = np.array([1.0, 0.5, 2.0]), np.array([0.5, -0.2])
    face, target = np.array([0, 2]), np.empty(2)
    slope = 0.1 + 0.3 * code
    for length in (0.5, 1.0):
        found = _excess(
            penalty.prepare(9, np.float64), WORKING, face, 2, -1,
            Part(code, code, slope), direction, length, target,
        )  # fmt: skip
        ends = code[face] + length * direction
        np.testing.assert_allclose(target, ends)
        # Of a quadratic, half the curvature times the square of the step.
        assert found == pytest.approx(0.3 / 2 * ((length * direction) ** 2).sum())


def test_rounding_is_no_excess(rng):
    penalty, target, none = L1(0.3).prepare(9, np.float64), np.empty(3), 0
    for code in rng.uniform(1, 2, (50, 3)):
        part, direction = Part(code, code, np.full(3, 0.3)), rng.uniform(-0.5, 0.5, 3)
        none += _excess(penalty, WORKING, np.arange(3), 3, -1, part, direction, 1.0, target) == 0
    assert none == 50


def test_ends_across_0_and_the_last_one_are_0():
    penalty, target = L1(1.0).prepare(9, np.float64), np.empty(3)
    code, direction = np.array([1.0, -1.0, 2.0]), np.array([-1.5, 0.5, 1.0])
    part = Part(code, code, np.sign(code))
    excess = _excess(penalty, WORKING, np.arange(3), 3, 2, part, direction, 1.0, target)
    np.testing.assert_array_equal(target, [0, -0.5, 0])
    after, along = 0.5, -1.5 - 0.5 + 1.0
    assert excess == pytest.approx(after - 4 - along)


def test_products_and_factors_of_the_face(rng):
    atoms = rng.standard_normal((5, 8))
    gram = atoms @ atoms.T
    face, direction, out = np.array([0, 2, 3]), rng.standard_normal(3), np.full(6, 7.0)
    _multiply_by_gram(gram, face, 3, direction, 5, out)
    np.testing.assert_allclose(out, [*(direction @ gram[face]), 7.0])
    workspace = make_jump_workspace(np.empty(5))
    _factorize(gram, face, 3, workspace.factor, halt_flag())
    expected = np.linalg.cholesky(gram[np.ix_(face, face)])
    np.testing.assert_allclose(np.tril(workspace.factor[:3, :3]), expected, rtol=1e-9)
