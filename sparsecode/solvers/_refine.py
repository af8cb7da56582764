"""Kernels that make exact what a search in float32 found, on one sample of a lasso.

Such a search ends with a support, its signs, and residual correlations that are wrong in their last
digits. Iterative refinement makes the coefficients exact. Of the correlations only those are
computed again that lie so close to `alpha` that rounding may hide a violation.
"""

from __future__ import annotations

import numpy as np

from sparsecode import _jit
from sparsecode.solvers._active_set import solve_on_support, subtract_active

# What the terms of a residual correlation in float32 may be wrong by, relative to their sizes.
_SLACK = 16 * 6e-8
# A gradient on the support below this share of alpha is rounding; so is a violation.
_FLAT = 1e-13
_MOST_STEPS = 6


@_jit.inner
def make_exact(
    s,
    energy,
    exact,
    alpha,
    positive,
    tol,
    rounding,
    rough,
    inverse,
    count,
    active,
    is_active,
    state,
    residuals,
    violating,
    correlations,
):
    """Refine the coefficients, judge them, and find what atoms still violate optimality.

    `rough` holds residual correlations that are wrong by `rounding` at most, and `residuals` is
    room for two residuals. Returns the size of the support, the number of `violating` atoms, whose
    exact residual `correlations` are filled in, and the duality gap divided by half the squared
    norm.
    """
    samples, atoms, ridge, largest_norm = exact
    x = samples[s]
    count, moved = _refine(
        x,
        atoms,
        ridge,
        largest_norm,
        alpha,
        tol,
        inverse,
        count,
        active,
        is_active,
        state,
        residuals,
    )
    bar = alpha - rounding - moved
    n_violating = _violating_atoms(
        atoms, alpha, positive, bar, rough, is_active, residuals[0], violating, correlations
    )
    code = state[2]
    gap = _exact_gap(
        atoms, ridge, alpha, energy, active, count, code, residuals[0], n_violating, correlations
    )
    return count, n_violating, gap


@_jit.inner
def exact_state(
    s,
    energy,
    exact,
    alpha,
    positive,
    active,
    is_active,
    count,
    code,
    rough,
    residual,
    violating,
    correlations,
):
    """Objective, and duality gap divided by half the squared norm, whatever it costs."""
    samples, atoms, ridge, _ = exact
    subtract_active(samples[s], atoms, active, code, count, residual)
    n_violating = _violating_atoms(
        atoms, alpha, positive, -np.inf, rough, is_active, residual, violating, correlations
    )
    gap = _exact_gap(
        atoms, ridge, alpha, energy, active, count, code, residual, n_violating, correlations
    )
    total = 0.5 * _dot(residual, residual)
    for a in range(count):
        total += alpha * abs(code[a]) + 0.5 * ridge * code[a] * code[a]
    return total, gap


@_jit.inner
def rounding_of(energy, largest_norm, code, count):
    """Bound of the errors of residual correlations in float32."""
    total = np.sqrt(2 * energy)
    for a in range(count):
        total += abs(code[a]) * largest_norm
    return _SLACK * largest_norm * total


@_jit.inner
def _refine(
    x, atoms, ridge, largest_norm, alpha, tol, inverse, count, active, is_active, state, residuals
):
    """Make the coefficients on the support exact, dropping those that change sign.

    Leaves the residual of the sample in the first of `residuals`. Returns the size of the support,
    and by how much a residual correlation can have changed.
    """
    residual, first = residuals[0], residuals[1]
    _, sign, code, goal, gradient, _ = state
    flat = alpha * max(0.01 * tol, _FLAT)
    subtract_active(x, atoms, active, code, count, first)
    for f in range(x.shape[0]):
        residual[f] = first[f]
    for _ in range(_MOST_STEPS):
        worst = 0.0
        for a in range(count):
            slope = _dot(atoms[active[a]], residual) - ridge * code[a] - alpha * sign[a]
            gradient[a] = slope
            worst = max(worst, abs(slope))
        if worst <= flat:
            break
        for a in range(count):
            total = code[a]
            for b in range(count):
                total += inverse[a, b] * gradient[b]
            goal[a] = total
        count = solve_on_support(inverse, count, active, is_active, state)
        subtract_active(x, atoms, active, code, count, residual)
    for f in range(x.shape[0]):
        first[f] -= residual[f]
    return count, np.sqrt(_dot(first, first)) * largest_norm


@_jit.inner
def _violating_atoms(
    atoms, alpha, positive, bar, rough, is_active, residual, violating, correlations
):
    """Find atoms outside the support whose exact correlation is above alpha; count them.

    Only those that reach `bar` by the `rough` correlations are looked at.
    """
    count = 0
    for j in range(rough.shape[0]):
        size = rough[j] if positive else abs(rough[j])
        if size >= bar and not is_active[j]:
            exact = _dot(atoms[j], residual)
            if (exact if positive else abs(exact)) > alpha * (1 + _FLAT):
                violating[count], correlations[count] = j, exact
                count += 1
    return count


@_jit.inner
def _exact_gap(
    atoms, ridge, alpha, energy, active, count, code, residual, n_violating, correlations
):
    """Duality gap divided by half the squared norm of the sample, in float64."""
    largest = alpha
    for i in range(n_violating):
        largest = max(largest, abs(correlations[i]))
    half_residual = 0.5 * _dot(residual, residual)
    there = correlations[n_violating:]
    for a in range(count):
        there[a] = _dot(atoms[active[a]], residual) - ridge * code[a]
        largest = max(largest, abs(there[a]))
        half_residual += 0.5 * ridge * code[a] * code[a]
    scale = alpha / largest
    fenchel = 0.0
    for a in range(count):
        fenchel += alpha * abs(code[a]) - scale * code[a] * there[a]
    gap = max(fenchel, 0.0) + (1 - scale) * (1 - scale) * half_residual
    if gap <= 0:
        return 0.0
    return gap / energy if energy > 0 else np.inf


@_jit.inner
def _dot(a, b):
    total = 0.0
    for f in range(a.shape[0]):
        total += a[f] * b[f]
    return total
