"""Kernels on the Cholesky factor of a Gram block, which grows and shrinks atom by atom.

The lower triangle of `factor` holds it in its first `count` rows, in float64 whatever the data.
"""

from __future__ import annotations

import numpy as np

from sparsecode import _jit


@_jit.outlined
def append_to_factor(factor, count, square, least, ridge):
    """Add an atom whose inner products with the others lie in row `count` of `factor`.

    `square` is its squared norm. What the others do not explain of it, a share of `square`, is
    raised by `ridge`. Returns False, and adds nothing, unless that share exceeds `least`.
    """
    row = factor[count]
    rest = square
    for i in range(count):
        other = factor[i]
        total = row[i]
        for k in range(i):
            total -= row[k] * other[k]
        row[i] = total / other[i]
        rest -= row[i] * row[i]
    if not rest > least * square:
        if ridge == 0:
            return False
        rest = 0.0
    row[count] = np.sqrt(rest + ridge * square)
    return True


@_jit.outlined
def remove_from_factor(factor, count, p):
    """Remove atom `p` of `count`; those after it move up by one."""
    for i in range(p, count - 1):
        # Row i + 1 moves up; a rotation of columns i and i + 1 clears what sticks out.
        for k in range(i + 2):
            factor[i, k] = factor[i + 1, k]
    for i in range(p, count - 1):
        length = np.hypot(factor[i, i], factor[i, i + 1])
        cosine, sine = factor[i, i] / length, factor[i, i + 1] / length
        factor[i, i] = length
        for m in range(i + 1, count - 1):
            left, right = factor[m, i], factor[m, i + 1]
            factor[m, i] = cosine * left + sine * right
            factor[m, i + 1] = cosine * right - sine * left


@_jit.outlined
def solve_factored(factor, count, vector):
    """Solve the system of the Gram block in place."""
    for i in range(count):
        row = factor[i]
        total = vector[i]
        for k in range(i):
            total -= row[k] * vector[k]
        vector[i] = total / row[i]
    for i in range(count - 1, -1, -1):
        row = factor[i]
        vector[i] /= row[i]
        for k in range(i):
            vector[k] -= row[k] * vector[i]
