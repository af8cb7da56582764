"""Copies of rows in kernels."""

from __future__ import annotations

from sparsecode import _jit


@_jit.inner
def copy_row(row, out):
    """Fill `out` with a row; ``out[:] = row`` compiles for a second, for the text of an error."""
    for j in range(out.shape[0]):
        out[j] = row[j]
