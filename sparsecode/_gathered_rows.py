"""Sums of, and products with, rows picked from a matrix, several at a time for the cache."""

from __future__ import annotations

from sparsecode import _jit


@_jit.inner
def add_picked(total, values, picks, first, last, rows):
    """Add ``values[e] * rows[picks[e]]`` to a row, for every entry from `first` to `last`."""
    four = first + (last - first) // 4 * 4
    for e in range(first, four, 4):
        v0, v1, v2, v3 = values[e], values[e + 1], values[e + 2], values[e + 3]
        r0, r1 = rows[picks[e]], rows[picks[e + 1]]
        r2, r3 = rows[picks[e + 2]], rows[picks[e + 3]]
        for f in range(total.shape[0]):
            total[f] += (v0 * r0[f] + v1 * r1[f]) + (v2 * r2[f] + v3 * r3[f])
    for e in range(four, last):
        value, row = values[e], rows[picks[e]]
        for f in range(total.shape[0]):
            total[f] += value * row[f]


@_jit.inner
def multiply_picked(row, picks, first, last, rows, out):
    """Set ``out[e] = row @ rows[picks[e]]`` for every entry from `first` to `last`."""
    four, zero = first + (last - first) // 4 * 4, row.dtype.type(0)
    for e in range(first, four, 4):
        r0, r1 = rows[picks[e]], rows[picks[e + 1]]
        r2, r3 = rows[picks[e + 2]], rows[picks[e + 3]]
        s0, s1, s2, s3 = zero, zero, zero, zero
        for f in range(row.shape[0]):
            s0 += row[f] * r0[f]
            s1 += row[f] * r1[f]
            s2 += row[f] * r2[f]
            s3 += row[f] * r3[f]
        out[e], out[e + 1], out[e + 2], out[e + 3] = s0, s1, s2, s3
    for e in range(four, last):
        other, slope = rows[picks[e]], zero
        for f in range(row.shape[0]):
            slope += row[f] * other[f]
        out[e] = slope
