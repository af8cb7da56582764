"""Kernels on the active set of one sample: the inverse of its Gram block, and its update.

The set holds `count` atoms; row and column `a` of `inverse` belong to atom ``active[a]``. The
inverse is kept in float64 whatever the data: in float32 it is too inaccurate to be of use.
"""

from __future__ import annotations

from sparsecode import _jit


@_jit.kernel
def append_to_inverse(inverse, count, cross, square, tolerance, work):
    """Add an atom with inner products `cross` with the active ones and squared norm `square`.

    Returns False, and changes nothing, if the atom depends linearly on the active ones.
    """
    schur = square
    for a in range(count):
        total = 0.0
        for b in range(count):
            total += inverse[a, b] * cross[b]
        work[a] = total
        schur -= total * cross[a]
    if not schur > tolerance * square:
        return False
    scale = 1.0 / schur
    for a in range(count):
        factor = work[a] * scale
        for b in range(count):
            inverse[a, b] += factor * work[b]
        inverse[a, count] = -factor
        inverse[count, a] = -factor
    inverse[count, count] = scale
    return True


@_jit.kernel
def remove_from_inverse(inverse, count, p):
    """Remove atom `p` from the inverse of `count` atoms; the last one takes its place."""
    q = count - 1
    if p != q:
        for a in range(count):
            inverse[a, p], inverse[a, q] = inverse[a, q], inverse[a, p]
        for a in range(count):
            inverse[p, a], inverse[q, a] = inverse[q, a], inverse[p, a]
    scale = 1.0 / inverse[q, q]
    for a in range(q):
        factor = inverse[a, q] * scale
        for b in range(q):
            inverse[a, b] -= factor * inverse[q, b]
