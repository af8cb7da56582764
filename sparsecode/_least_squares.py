"""Least squares on the supports of codes, in float64."""

from __future__ import annotations

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import is_halted

# Relative size of rounding errors: of the squared remainder of an atom, and of the decrease of the
# squared error by a correction.
_DEPENDENT, _FLAT = 1e-12, 1e-28
_MOST_STEPS = 4


@_jit.kernel
def fit_supports(X, atoms, starts, columns, values, halt):
    """Fit sample i on atoms ``columns[starts[i]:starts[i + 1]]``: fill in these `values`.

    NaN in a sample is a missing entry. An atom that depends linearly on earlier ones gets 0. The
    normal equations are solved by a Cholesky factor that grows atom by atom. Their rounding error
    is then corrected with the residual, which is as exact as the samples.
    """
    n_features, longest = atoms.shape[1], 0
    for i in range(X.shape[0]):
        longest = max(longest, starts[i + 1] - starts[i])
    factor, left = np.empty((longest, longest + 4)), np.empty(n_features)
    kept, step = np.empty(longest, dtype=np.int64), np.empty(longest)
    for i in range(X.shape[0]):
        if is_halted(halt):
            return
        count = _factorize(X[i], atoms, starts[i], starts[i + 1], columns, factor, kept, values)
        squared_norm = _residual(X[i], atoms, columns, kept, 0, values, left)
        for _ in range(_MOST_STEPS):
            _residual(X[i], atoms, columns, kept, count, values, left)
            gain = 0.0
            for a in range(count):
                total = _dot(atoms[columns[kept[a]]], left)
                for b in range(a):
                    total -= factor[a, b] * step[b]
                step[a] = total / factor[a, a]
                gain += step[a] * step[a]
            for a in range(count - 1, -1, -1):
                for b in range(a + 1, count):
                    step[a] -= factor[b, a] * step[b]
                step[a] /= factor[a, a]
                values[kept[a]] += step[a]
            if not gain > _FLAT * squared_norm:
                break


@_jit.inner
def _factorize(x, atoms, start, stop, columns, factor, kept, values):
    """Factorize the Gram matrix of the independent atoms of a support, `kept`; set values to 0."""
    count = 0
    for p in range(start, stop):
        values[p] = 0.0
        atom = atoms[columns[p]]
        square = _dot_where(x, atom, atom)
        pivot = square
        for a in range(count):
            total = _dot_where(x, atom, atoms[columns[kept[a]]])
            for b in range(a):
                total -= factor[count, b] * factor[a, b]
            factor[count, a] = total / factor[a, a]
            pivot -= factor[count, a] * factor[count, a]
        if pivot > _DEPENDENT * square:
            factor[count, count] = np.sqrt(pivot)
            kept[count] = p
            count += 1
    return count


@_jit.inner
def _residual(x, atoms, columns, kept, count, values, left):
    """Fill `left` with the residual, 0 for missing entries; return its squared norm."""
    for f in range(left.shape[0]):
        left[f] = 0 if np.isnan(x[f]) else x[f]
    for a in range(count):
        atom, value = atoms[columns[kept[a]]], values[kept[a]]
        for f in range(left.shape[0]):
            left[f] -= value * atom[f]
    total = 0.0
    for f in range(left.shape[0]):
        if np.isnan(x[f]):
            left[f] = 0
        total += left[f] * left[f]
    return total


@_jit.inner
def _dot(a, b):
    total = 0.0
    for f in range(a.shape[0]):
        total += a[f] * b[f]
    return total


@_jit.inner
def _dot_where(x, a, b):
    """Inner product of two atoms on the observed features of a sample."""
    total = 0.0
    for f in range(x.shape[0]):
        total += 0.0 if np.isnan(x[f]) else np.float64(a[f]) * b[f]
    return total
