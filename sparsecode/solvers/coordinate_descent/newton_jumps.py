"""Newton jumps to the minimum over the nonzero coefficients, where sweeps get there slowly.

Strongly correlated atoms make coordinate descent creep; the same problem on the nonzero
coefficients alone, with their signs, is a linear system.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import is_halted
from sparsecode.solvers._kernels.cholesky import append_to_factor, solve_factored

# Keep the factor of a singular Gram block small, relative to its diagonal: above its rounding.
_RIDGE, _SINGLE_RIDGE = 1e-13, 1e-6
# Share of a jump below which it is not worth making.
_SHORTEST = 1e-6


class Part(NamedTuple):
    """The working set: coefficients, their residual correlations, and slopes of the penalty."""

    code: np.ndarray
    residual: np.ndarray
    slope: np.ndarray


class JumpWorkspace(NamedTuple):
    """Arrays for `jump_on_face` to work in."""

    factor: np.ndarray
    direction: np.ndarray
    curved: np.ndarray
    target: np.ndarray
    face: np.ndarray


@_jit.outlined_with_arrays
def make_jump_workspace(like):
    """Workspace of as many atoms as `like` has entries, of its type."""
    n = like.shape[0]
    return JumpWorkspace(
        np.empty((n, n + 4)),
        np.empty(n),
        np.empty(n),
        np.empty_like(like),
        np.empty(n, dtype=np.int64),
    )


@_jit.outlined
def jump_on_face(penalty, inverse, working, count, gram, part, workspace, halt):
    """Newton steps on the nonzero coefficients, each as far as no sign changes, if it goes down.

    `part` holds, for each atom of the working set, the coefficient, the residual correlation and
    the slope of the penalty, taken as constant: exact for l1 and l0. `gram` is the Gram block of
    the set. Coefficients at a kink of the penalty, such as a bound, stay there. Each step but the
    last sets a coefficient to 0, so that there are at most as many.
    """
    code, residual, slope = part
    factor, direction, curved, target, face = workspace
    eps = 4 * np.finfo(gram.dtype).eps
    while True:
        m = _make_face(penalty, inverse, working, count, part, direction, face)
        _factorize(gram, face, m, factor, halt)
        solve_factored(factor, m, direction)
        _multiply_by_gram(gram, face, m, direction, count, curved)
        fall, curvature, spread = 0.0, 0.0, 0.0
        cap, first = np.inf, -1
        for i in range(m):
            a, d = face[i], direction[i]
            fall += d * (np.float64(residual[a]) - slope[a])
            # What rounding may have added is no fall.
            fall -= eps * abs(d) * (abs(residual[a]) + abs(slope[a]))
            curvature += d * curved[a]
            spread += abs(d) * np.sqrt(gram[a, a])
            if d * code[a] < 0 and -code[a] / d < cap:
                cap, first = -code[a] / d, i
        # Below this a curvature, which may come out negative, is that of rounding.
        flat = eps * spread * spread
        if m == 0 or not (curvature > flat or cap < np.inf):
            break
        # The minimum along the line, if the penalty is linear from here to the point tried.
        length = min(cap, 1.0)
        excess = _excess(penalty, working, face, m, -1, part, direction, length, target)
        while excess == np.inf and length > _SHORTEST:
            # Out of what the penalty allows.
            length *= 0.5
            cap, first = length, -1
            excess = _excess(penalty, working, face, m, -1, part, direction, length, target)
        secant = fall - excess / length
        if not secant > 0:
            break
        if curvature > flat and secant < cap * curvature:
            length, first = secant / curvature, -1
        else:
            length = cap
        excess = _excess(penalty, working, face, m, first, part, direction, length, target)
        if not excess < length * (fall - length * max(curvature, flat) / 2):
            break
        for b in range(count):
            residual[b] -= length * curved[b]
        for i in range(m):
            code[face[i]] = target[i]
        if first < 0:
            break


@_jit.inner
def _make_face(penalty, inverse, working, count, part, direction, face):
    """Fill `face` with the coefficients that may move, `direction` with their gradients; count."""
    code, residual, slope = part
    m = 0
    for a in range(count):
        j = working[a]
        if code[a] != 0 and not _is_at_kink(penalty, code[a], slope[a], inverse[j], j):
            face[m] = a
            direction[m] = np.float64(residual[a]) - slope[a]
            m += 1
    return m


@_jit.inner
def _is_at_kink(penalty, there, slope, step, j):
    """Return whether the penalty has a kink at a coefficient: an interval has its prox there."""
    point = there + step * slope
    shift = (abs(there) + abs(point)) * 64 * np.finfo(np.float32).eps
    return (
        _jit.scalar_prox(penalty, point + shift, step, j) == there
        and _jit.scalar_prox(penalty, point - shift, step, j) == there
    )


@_jit.inner
def _multiply_by_gram(gram, face, m, direction, count, out):
    """Fill `out` with the direction, on the face, times the Gram block."""
    for b in range(count):
        out[b] = 0.0
    for i in range(m):
        d, row = direction[i], gram[face[i]]
        for b in range(count):
            out[b] += d * row[b]


@_jit.outlined
def _excess(penalty, working, face, m, last, part, direction, length, target):
    """Fill `target` with the end of a jump; return how far the penalty leaves its slopes.

    Coefficient `last` ends at 0. What is no more than rounding counts as 0.
    """
    code, slope = part.code, part.slope
    excess, size = 0.0, 0.0
    for i in range(m):
        a = face[i]
        target[i] = code[a] + length * direction[i]
        if i == last or target[i] * code[a] < 0:
            target[i] = 0
        before = _jit.scalar_value(penalty, code[a], working[a])
        after = _jit.scalar_value(penalty, target[i], working[a])
        excess += after - before - length * direction[i] * slope[a]
        size += abs(after) + abs(before)
    if not size < np.inf:
        return np.inf
    return excess if not abs(excess) <= 4 * np.finfo(code.dtype).eps * size else 0.0


@_jit.outlined
def _factorize(gram, face, m, factor, halt):
    """Cholesky factor of the Gram block of the face."""
    ridge = _SINGLE_RIDGE if gram.itemsize == 4 else _RIDGE
    for i in range(m):
        if is_halted(halt):
            return
        row = gram[face[i]]
        for k in range(i):
            factor[i, k] = row[face[k]]
        append_to_factor(factor, i, np.float64(row[face[i]]), 0.0, ridge)
