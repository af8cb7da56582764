"""Kernels that refine the result of a search in float32, for one sample of a lasso.

Such a search ends with a support, its signs, and residual correlations that are wrong in their last
digits. Iterative refinement makes the coefficients exact. Of the correlations only those are
computed again that lie so close to `alpha` that rounding may hide a violation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._simd import LANES, lowest_bit, mask_from, subtract_rows
from sparsecode.solvers._kernels.rows import dot
from sparsecode.solvers.feature_sign.active_set import solve_on_support
from sparsecode.solvers.feature_sign.inverse import multiply, pad

# What the terms of a residual correlation may be wrong by in float32, relative to their sizes.
SLACK = 16 * 6e-8
# A gradient on the support below this share of alpha is rounding; so is a violation.
_FLAT = 1e-13
_MOST_STEPS = 6


class Exact(NamedTuple):
    """A problem in float64; without samples or atoms, for a search that needs no such care.

    `refines` says whether coefficients are made exact, `rounds` whether the code is judged as it is
    returned, rounded to float32, and `is_careful` whether inner products of active atoms are taken
    in float64, not from the Gram matrix.
    """

    samples: np.ndarray
    atoms: np.ndarray
    ridge: float
    largest_norm: float
    refines: bool
    rounds: bool
    is_careful: bool


class Workspace(NamedTuple):
    """Arrays for atoms found to enter, their correlations, and two residuals."""

    found: np.ndarray
    correlations: np.ndarray
    residuals: np.ndarray


@_jit.outlined
def make_exact(s, task, exact, tol, rounding, rough, count, active_set, workspace):
    """Refine the coefficients, judge them, and find what atoms still violate optimality.

    `rough` holds residual correlations that are wrong by `rounding` at most. Returns the size of
    the support, the number of violating atoms, which fill `workspace`, the duality gap divided by
    half the squared norm, and by how much residual correlations can have changed.
    """
    alpha, positive = task.alpha, task.positive
    residual = workspace.residuals[0]
    count, moved = _refine(
        exact.samples[s], exact, alpha, tol, count, active_set, workspace.residuals
    )
    bar = alpha - rounding - moved
    n_found = _find_violating(
        exact.atoms, alpha, positive, bar, rough, residual, active_set, workspace
    )
    gap = _exact_gap(s, task, exact, residual, count, active_set, n_found, workspace.correlations)
    return count, n_found, gap, moved


@_jit.inner
def judge_rounded(s, task, exact, reach, rough, count, active_set, workspace):
    """Round the coefficients to float32, and judge them.

    `rough` holds residual correlations that are wrong by `reach` at most. Returns the objective,
    and the duality gap divided by half the squared norm.
    """
    code, moved = active_set.code, 0.0
    for a in range(count):
        before = code[a]
        code[a] = np.float32(before)
        moved += abs(code[a] - before)
    bar = task.alpha - reach - exact.largest_norm * exact.largest_norm * moved
    return exact_state(s, task, exact, bar, rough, count, active_set, workspace)


@_jit.outlined
def exact_state(s, task, exact, bar, rough, count, active_set, workspace):
    """Objective, and duality gap divided by half the squared norm.

    Only atoms that reach `bar` by the `rough` correlations may violate optimality.
    """
    alpha, residual = task.alpha, workspace.residuals[1]
    subtract_rows(
        exact.samples[s], exact.atoms, active_set.active, active_set.code, count, residual
    )
    _gradient(exact, alpha, residual, count, active_set)
    n_found = _find_violating(
        exact.atoms, alpha, task.positive, bar, rough, residual, active_set, workspace
    )
    gap = _exact_gap(s, task, exact, residual, count, active_set, n_found, workspace.correlations)
    total = 0.5 * dot(residual, residual)
    for a in range(count):
        total += (
            alpha * abs(active_set.code[a])
            + 0.5 * exact.ridge * active_set.code[a] * active_set.code[a]
        )
    return total, gap


@_jit.outlined
def _refine(x, exact, alpha, tol, count, active_set, residuals):
    """Make the coefficients on the support exact, dropping those that change sign.

    Leaves the residual of the sample in the first of `residuals`. Returns the size of the support,
    and by how much a residual correlation can have changed.
    """
    atoms, residual, first = exact.atoms, residuals[0], residuals[1]
    active, code, goal, work = (
        active_set.active,
        active_set.code,
        active_set.goal,
        active_set.work,
    )
    flat = alpha * max(0.01 * tol, _FLAT)
    subtract_rows(x, atoms, active, code, count, first)
    for f in range(x.shape[0]):
        residual[f] = first[f]
    for step in range(_MOST_STEPS):
        worst = _gradient(exact, alpha, residual, count, active_set)
        # What is left of the gradient serves to judge the result.
        if worst <= flat or step == _MOST_STEPS - 1:
            break
        pad(active_set.cross, count)
        multiply(active_set.inverse, count, active_set.cross, work)
        for a in range(count):
            goal[a] = code[a] + work[a]
        count = solve_on_support(count, active_set)
        subtract_rows(x, atoms, active, code, count, residual)
    for f in range(x.shape[0]):
        first[f] -= residual[f]
    return count, np.sqrt(dot(first, first)) * exact.largest_norm


@_jit.inner
def _gradient(exact, alpha, residual, count, active_set):
    """Fill `cross` with the gradient on the support; returns the largest entry."""
    worst = 0.0
    for a in range(count):
        slope = dot(exact.atoms[active_set.active[a]], residual)
        slope -= exact.ridge * active_set.code[a] + alpha * active_set.sign[a]
        active_set.cross[a] = slope
        worst = max(worst, abs(slope))
    return worst


@_jit.outlined
def _find_violating(atoms, alpha, positive, bar, rough, residual, active_set, workspace):
    """Find atoms outside the support whose exact correlation is above alpha; count them.

    Only those that reach `bar` by the `rough` correlations are looked at.
    """
    count, n = 0, rough.shape[0]
    for start in range(0, n - LANES + 1, LANES):
        mask = mask_from(rough, start, bar, positive)
        while mask != 0:
            count = _look_at(
                start + lowest_bit(mask),
                atoms,
                alpha,
                positive,
                residual,
                active_set,
                workspace,
                count,
            )
            mask &= mask - 1
    for j in range(n // LANES * LANES, n):
        if (rough[j] if positive else abs(rough[j])) >= bar:
            count = _look_at(j, atoms, alpha, positive, residual, active_set, workspace, count)
    return count


@_jit.inner
def _look_at(j, atoms, alpha, positive, residual, active_set, workspace, count):
    """Add atom `j` to those found if it violates optimality; returns how many there are."""
    if not active_set.is_active[j]:
        exact = dot(atoms[j], residual)
        if (exact if positive else abs(exact)) > alpha * (1 + _FLAT):
            workspace.found[count], workspace.correlations[count] = j, exact
            return count + 1
    return count


@_jit.outlined
def _exact_gap(s, task, exact, residual, count, active_set, n_found, correlations):
    """Duality gap divided by half the squared norm of the sample, in float64.

    `correlations` holds those of `n_found` violating atoms, and `cross` the gradient on the
    support.
    """
    alpha, half_squared_norm = task.alpha, task.half_squared_norm[s]
    code, gradient, sign = active_set.code, active_set.cross, active_set.sign
    largest = alpha
    for i in range(n_found):
        largest = max(largest, abs(correlations[i]))
    half_residual = 0.5 * dot(residual, residual)
    for a in range(count):
        largest = max(largest, abs(gradient[a] + alpha * sign[a]))
        half_residual += 0.5 * exact.ridge * code[a] * code[a]
    scale = alpha / largest
    fenchel = 0.0
    for a in range(count):
        there = gradient[a] + alpha * sign[a]
        fenchel += alpha * abs(code[a]) - scale * code[a] * there
    gap = max(fenchel, 0.0) + (1 - scale) * (1 - scale) * half_residual
    if gap <= 0:
        return 0.0
    return gap / half_squared_norm if half_squared_norm > 0 else np.inf
