"""Kernels of a penalty on arrays: values, proximal operators, gradients and dual forms."""

from __future__ import annotations

import numpy as np

from sparsecode import _jit

# Rows of sparse codes made dense at a time, where the penalty is not a sum over coefficients.
_ROWS = 1024


def values_of_sparse(penalty, codes):
    """Penalty of each row of sparse codes."""
    if not penalty.separable:
        starts = range(0, codes.shape[0], _ROWS)
        return np.concatenate([penalty.value(codes[i : i + _ROWS].toarray()) for i in starts])
    out = np.empty(codes.shape[0], dtype=codes.dtype)
    prepared = penalty.prepare(codes.shape[1], codes.dtype)
    _sparse_values(prepared, codes.indptr, codes.indices, codes.data, out)
    return out


@_jit.kernel
def row_values(penalty, codes, out):
    for i in range(codes.shape[0]):
        out[i] = _jit.row_value(penalty, codes[i])


@_jit.kernel
def _sparse_values(penalty, starts, columns, values, out):
    for i in range(out.shape[0]):
        total = 0.0
        for e in range(starts[i], starts[i + 1]):
            if values[e] != 0:
                total += _jit.scalar_value(penalty, values[e], columns[e])
        out[i] = total


@_jit.kernel
def prox_array(penalty, V, step, out):
    for i in range(V.shape[0]):
        _jit.row_prox(penalty, V[i], step, out[i])


@_jit.kernel
def grad_array(penalty, codes, out):
    for i in range(codes.shape[0]):
        for j in range(codes.shape[1]):
            out[i, j] = _jit.scalar_grad(penalty, codes[i, j], j)


@_jit.kernel
def row_excesses(penalty, correlations, out):
    for i in range(correlations.shape[0]):
        out[i] = _jit.row_dual_excess(penalty, correlations[i])


@_jit.kernel
def row_conjugates(penalty, correlations, out):
    for i in range(correlations.shape[0]):
        out[i] = _jit.row_conjugate(penalty, 1.0, correlations[i])
