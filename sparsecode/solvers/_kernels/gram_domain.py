"""Kernels that proximal gradient methods share, for one sample in the Gram domain.

With ``c = x @ atoms.T`` and the Gram matrix ``G``, the gradient of the quadratic at ``z`` is
``-(c - z G)``; codes are sparse, so ``z G`` costs one Gram row for each nonzero.
"""

from __future__ import annotations

import numpy as np

from sparsecode import _jit


@_jit.outlined
def residual_correlations(corr, code, gram, support, out):
    """Fill `out` with ``corr - code @ gram`` and return the number of nonzeros of `code`.

    `gram` may also be ``atoms.T``, of fewer rows than atoms, in place of a Gram matrix.
    """
    n = code.shape[0]
    count = 0
    for j in range(n):
        out[j] = corr[j]
        if code[j] != 0:
            support[count] = j
            count += 1
    if gram.shape[0] < n:
        _subtract_products(code, gram, support, count, out)
        return count
    # Four rows a pass: the output is read and written a quarter as often.
    k = 0
    while k + 4 <= count:
        j0, j1, j2, j3 = support[k], support[k + 1], support[k + 2], support[k + 3]
        z0, z1, z2, z3 = code[j0], code[j1], code[j2], code[j3]
        g0, g1, g2, g3 = gram[j0], gram[j1], gram[j2], gram[j3]
        for i in range(n):
            out[i] -= z0 * g0[i] + z1 * g1[i] + z2 * g2[i] + z3 * g3[i]
        k += 4
    while k < count:
        z0, g0 = code[support[k]], gram[support[k]]
        for i in range(n):
            out[i] -= z0 * g0[i]
        k += 1
    return count


@_jit.inner
def inner_product(gram, n, i, j):
    """Inner product of two of `n` atoms, from their Gram matrix or from ``atoms.T``."""
    if gram.shape[0] == n:
        return np.float64(gram[i, j])
    total = 0.0
    for f in range(gram.shape[0]):
        total += np.float64(gram[f, i]) * gram[f, j]
    return total


@_jit.outlined
def _subtract_products(code, columns, support, count, out):
    """Subtract ``(code @ atoms) @ atoms.T``, four features at a time; `columns` is ``atoms.T``."""
    n, n_features = code.shape[0], columns.shape[0]
    real = columns.dtype.type
    for f in range(0, n_features - 3, 4):
        c0, c1, c2, c3 = columns[f], columns[f + 1], columns[f + 2], columns[f + 3]
        r0, r1, r2, r3 = 0.0, 0.0, 0.0, 0.0
        for a in range(count):
            j = support[a]
            r0 += code[j] * c0[j]
            r1 += code[j] * c1[j]
            r2 += code[j] * c2[j]
            r3 += code[j] * c3[j]
        s0, s1, s2, s3 = real(r0), real(r1), real(r2), real(r3)
        for i in range(n):
            out[i] -= s0 * c0[i] + s1 * c1[i] + s2 * c2[i] + s3 * c3[i]
    for f in range(n_features // 4 * 4, n_features):
        c0, r0 = columns[f], 0.0
        for a in range(count):
            r0 += code[support[a]] * c0[support[a]]
        s0 = real(r0)
        for i in range(n):
            out[i] -= s0 * c0[i]


@_jit.outlined
def objective_of(penalty, corr, half_squared_norm, code, residual_corr):
    """Objective of one sample, from ``corr`` and ``corr - code @ gram``."""
    total = half_squared_norm + _jit.row_value(penalty, code)
    for j in range(code.shape[0]):
        if code[j] != 0:
            total -= 0.5 * code[j] * (corr[j] + residual_corr[j])
    return total


@_jit.inner
def dual_scale(penalty, residual_corr):
    """Factor that makes the residual dual feasible."""
    return 1.0 / max(1.0, _jit.row_dual_excess(penalty, residual_corr))


@_jit.outlined
def relative_gap(penalty, scale, corr, half_squared_norm, code, residual_corr):
    """Duality gap of one sample divided by half its squared norm, at a dual feasible scale."""
    fenchel = _jit.row_value(penalty, code) + _jit.row_conjugate(penalty, scale, residual_corr)
    half_residual = half_squared_norm
    for j in range(code.shape[0]):
        if code[j] != 0:
            fenchel -= scale * code[j] * residual_corr[j]
            half_residual -= 0.5 * code[j] * (corr[j] + residual_corr[j])
    gap = max(fenchel, 0.0) + (1 - scale) * (1 - scale) * max(half_residual, 0.0)
    if gap <= 0:
        return 0.0
    return gap / half_squared_norm if half_squared_norm > 0 else np.inf


@_jit.outlined_with_arrays
def relative_residual(penalty, corr, lipschitz, code, residual_corr):
    """Stationarity residual of one sample divided by its largest correlation."""
    worst, largest, total = 0.0, 0.0, 0.0
    step = 1 / lipschitz
    target = code + step * residual_corr
    _jit.row_prox(penalty, target, step, target)
    for j in range(code.shape[0]):
        move = abs(code[j] - target[j])
        worst = max(worst, move)
        total += move
        largest = max(largest, abs(corr[j]))
    return share_of(lipschitz * worst, largest, total)


@_jit.inner
def share_of(worst, largest, total):
    """A largest residual in units of the largest correlation; infinite if one was no number.

    A maximum may pass over such a one; the `total` of the residuals does not.
    """
    if not total < np.inf:
        return np.inf
    if worst <= 0:
        return 0.0
    return worst / largest if largest > 0 else np.inf


@_jit.inner_with_arrays
def stop_measure(penalty, rule, corr, half_squared_norm, code, residual_corr):
    """Measure that `tol` bounds: the relative duality gap, or the scaled stationarity residual."""
    if rule.by_gap:
        scale = dual_scale(penalty, residual_corr)
        return relative_gap(penalty, scale, corr, half_squared_norm, code, residual_corr)
    return relative_residual(penalty, corr, rule.lipschitz, code, residual_corr)


@_jit.inner
def improves(value, measure, best_value, best_measure, slack):
    """Return whether a code is better than the best so far.

    It is if its objective is lower beyond rounding, `slack`.
    Where objectives differ by rounding alone, the smaller stopping quantity decides.
    """
    if value < best_value - slack:
        return True
    return value <= best_value + slack and measure <= best_measure
