"""Rows in kernels: copies, and inner products in float64."""

from __future__ import annotations

from sparsecode import _jit


@_jit.inner
def copy_row(row, out):
    """Fill `out` with a row; ``out[:] = row`` compiles for a second, for the text of an error."""
    for j in range(out.shape[0]):
        out[j] = row[j]


@_jit.inner
def dot(row, other):
    """Inner product of two rows, summed in float64."""
    total = 0.0
    for f in range(row.shape[0]):
        total += row[f] * other[f]
    return total
