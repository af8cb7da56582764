"""Refinement of a float32 search: exact coefficients, objectives and gaps, by dense matrices."""

import numpy as np
import pytest

from sparsecode.solvers._lasso.plain_form import LassoTask
from sparsecode.solvers.feature_sign.active_set import enter_support, make_active_set
from sparsecode.solvers.feature_sign.refinement import (
    Exact,
    Workspace,
    exact_state,
    judge_rounded,
    make_exact,
)

CODE = np.array([0.9, 0.0, -1.1, 0.0, 0.4, 0.0, 0.0])


class Sample:
    """A sample with its lasso, and the active set of a code."""

    def __init__(self, rng, alpha, ridge, positive=False, code=CODE):
        self.atoms, self.x = rng.standard_normal((7, 5)), rng.standard_normal(5)
        self.alpha, self.ridge, self.positive, self.code = alpha, ridge, positive, code
        gram = (self.atoms @ self.atoms.T + ridge * np.eye(7)).astype(np.float32)
        half = np.array([self.x @ self.x / 2])
        corr = (self.atoms @ self.x)[None].astype(np.float32)
        self.task = LassoTask(corr, half, gram, alpha, positive)
        longest = float(np.sqrt(np.linalg.norm(self.atoms, axis=1).max() ** 2 + ridge))
        self.exact = Exact(self.x[None], self.atoms, ridge, longest, True, True, True)
        self.active_set = make_active_set(7, 5)
        self.count = enter_support(code, 0, self.task, self.exact, self.active_set)
        self.workspace = Workspace(np.empty(46, np.int64), np.empty(46), np.empty((2, 5)))

    def correlations(self, code):
        """Those of the residual, of the lasso that the ridge is a part of the data of."""
        return self.atoms @ (self.x - code @ self.atoms) - self.ridge * code

    def state(self, code):
        """Objective, and duality gap in units of half the squared norm."""
        residual = self.x - code @ self.atoms
        half = self.x @ self.x / 2
        smooth = residual @ residual / 2 + self.ridge * code @ code / 2
        value = smooth + self.alpha * np.abs(code).sum()
        sizes = self.correlations(code)
        # A coefficient of 0 may not become negative, so that such a correlation is no violation.
        is_free = (code != 0) | (sizes > 0) if self.positive else np.ones(7, dtype=bool)
        largest = np.abs(sizes[is_free]).max()
        scale = min(1, self.alpha / largest)
        theta, extra = scale * residual, -scale * np.sqrt(self.ridge) * code
        dual = half - ((self.x - theta) @ (self.x - theta) + extra @ extra) / 2
        return value, (value - dual) / half

    def coefficients(self):
        """The code in the active set."""
        code = np.zeros(7)
        code[self.active_set.active[: self.count]] = self.active_set.code[: self.count]
        return code


@pytest.mark.parametrize("ridge", [0.0, 0.7])
@pytest.mark.parametrize("alpha", [0.05, 0.4, 5.0])
def test_objective_and_gap(rng, alpha, ridge):
    sample = Sample(rng, alpha, ridge)
    rough = sample.correlations(CODE).astype(np.float32)
    args = sample.count, sample.active_set, sample.workspace
    value, gap = exact_state(0, sample.task, sample.exact, -np.inf, rough, *args)
    expected = sample.state(CODE)
    assert value == pytest.approx(expected[0]) and gap == pytest.approx(expected[1])


@pytest.mark.parametrize("positive", [False, True])
def test_only_atoms_that_reach_the_bar_are_looked_at(rng, positive):
    sample = Sample(rng, 0.1, 0.0, positive, np.abs(CODE))
    exact, rough = sample.correlations(np.abs(CODE)), np.full(7, -1.0, np.float32)
    others = np.flatnonzero((CODE == 0) & ((exact if positive else np.abs(exact)) > 0.1))
    assert others.size
    args = sample.count, sample.active_set, sample.workspace
    none = exact_state(0, sample.task, sample.exact, 2.0, rough, *args)[1]
    rough[others] = 2.0
    all_of_them = exact_state(0, sample.task, sample.exact, 2.0, rough, *args)[1]
    assert all_of_them == pytest.approx(sample.state(np.abs(CODE))[1])
    assert none <= all_of_them


def test_rounded_coefficients_are_judged_as_they_are(rng):
    sample = Sample(rng, 0.3, 0.2)
    sample.active_set.code[: sample.count] += 1e-9
    rough = sample.correlations(CODE).astype(np.float32)
    args = sample.count, sample.active_set, sample.workspace
    value, gap = judge_rounded(0, sample.task, sample.exact, 1e-3, rough, *args)
    code = CODE.astype(np.float32).astype(float)
    np.testing.assert_array_equal(sample.coefficients(), code)
    expected = sample.state(code)
    assert value == pytest.approx(expected[0], rel=1e-12)
    assert gap == pytest.approx(expected[1], rel=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 0.7])
@pytest.mark.parametrize("positive", [False, True])
def test_refined_coefficients_solve_the_support(rng, ridge, positive):
    """From coefficients that are wrong in their fourth digit, of the optimum of a support."""
    signs = np.array([1.0, 1.0 if positive else -1.0, 1.0])
    used, code = np.array([0, 2, 4]), np.zeros(7)
    sample = Sample(rng, 0.2, ridge, positive)
    active = sample.atoms[used]
    gram = active @ active.T + ridge * np.eye(3)
    goal = signs * [1.5, 0.8, 0.3]
    # A sample of which these are the coefficients.
    code[used] = goal
    x = np.linalg.pinv(active) @ (gram @ goal + 0.2 * signs)
    code[used] *= 1 + 1e-4 * rng.standard_normal(3)
    again = Sample(np.random.default_rng(0), 0.2, ridge, positive)
    again.atoms[:], again.x[:] = sample.atoms, x
    gram_of_all = (again.atoms @ again.atoms.T + ridge * np.eye(7)).astype(np.float32)
    half, corr = np.array([x @ x / 2]), (again.atoms @ x)[None].astype(np.float32)
    again.task = LassoTask(corr, half, gram_of_all, 0.2, positive)
    again.exact = again.exact._replace(
        largest_norm=float(np.linalg.norm(again.atoms, axis=1).max())
    )
    again.active_set = make_active_set(7, 5)
    again.count = enter_support(code, 0, again.task, again.exact, again.active_set)
    before = again.correlations(code)
    rough = before.astype(np.float32)
    count, n_found, gap, moved = make_exact(
        0, again.task, again.exact, 1e-9, 1e-6, rough, again.count, again.active_set,
        again.workspace,
    )  # fmt: skip
    assert count == 3
    solved = again.coefficients()
    np.testing.assert_allclose(solved[used], goal, rtol=1e-9)
    exact = again.correlations(solved)
    outside = np.setdiff1d(np.arange(7), used)
    sizes = exact[outside] if positive else np.abs(exact[outside])
    assert sorted(again.workspace.found[:n_found]) == outside[sizes > 0.2].tolist()
    assert gap == pytest.approx(again.state(solved)[1], abs=1e-12)
    shift = np.abs(again.atoms @ ((solved - code) @ again.atoms))
    assert shift.max() <= moved * (1 + 1e-9)
    assert moved <= again.exact.largest_norm * np.linalg.norm((solved - code) @ again.atoms) * 1.001
