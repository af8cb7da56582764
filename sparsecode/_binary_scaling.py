"""Scaling by powers of two, which brings numbers of any unit near 1 without rounding.

Squares and fourth powers leave the range of a float long before the numbers themselves. An
underflow would make a code look optimal. So samples, atoms and codes of extreme size are multiplied
by powers of two before all computations.
"""

from __future__ import annotations

import numpy as np

# Exponents up to which numbers are not scaled: fourth powers of their quotients fit into float32,
# and so do the squares of a millionth of them.
COMFORT = 24
# Bounds of squares of rows in that range: sufficient, and far cheaper than magnitudes.
_LEAST_SQUARE, _LARGEST_SQUARE = 2.0 ** (-2 * COMFORT), 2.0 ** (2 * COMFORT)
# Numbers for which a loop of Python is faster than NumPy.
_FEW = 8
# Exponents of odd rows are rounded, so that few units are needed: there are as many groups.
_STEP = 16
# Limits of parameters of a penalty: beyond them codes are all zero, or not penalised at all.
_LARGEST_EXPONENT = 1020


def exponents_of(sizes):
    """Exponents of two that bring sizes into the comfortable range, 0 for sizes in this range.

    `sizes` are not negative; one that is 0, infinite or NaN gets 0.
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    exponents = np.frexp(np.where(np.isfinite(sizes), sizes, 0))[1].astype(np.int64)
    exponents = np.where(np.abs(exponents) > COMFORT, -_STEP * np.rint(exponents / _STEP), 0)
    return exponents.astype(np.int64)


def exponent_between(sizes):
    """One exponent for sizes that belong together, 0 if the largest is comfortable.

    It brings the middle between the largest and the smallest nonzero size near 1, and moves the
    largest one only as far as into the comfortable range.
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    exponents = np.frexp(sizes[(sizes > 0) & np.isfinite(sizes)])[1]
    if exponents.size == 0 or abs(int(exponents.max())) <= COMFORT:
        return 0
    largest, smallest = int(exponents.max()), int(exponents.min())
    return min(-((largest + smallest) // 2), COMFORT - largest)


def row_sizes(X):
    """Largest magnitude of each row, without NaN; 0 where there is none."""
    return np.fmax.reduce(np.abs(X), axis=1, initial=0)


def are_comfortable(X):
    """Return True if every row is in the middle of the range, by a cheap test of squares."""
    squares = np.einsum("ij,ij->i", X, X)
    if squares.size == 0:
        return False
    if squares.size <= _FEW:
        return all(_LEAST_SQUARE < square < _LARGEST_SQUARE for square in squares.tolist())
    least, largest = np.minimum.reduce(squares), np.maximum.reduce(squares)
    return bool(least > _LEAST_SQUARE and largest < _LARGEST_SQUARE)


def odd_sizes(X):
    """Largest magnitude of each row as in `row_sizes`, or 1 for a comfortable row."""
    squares = np.einsum("ij,ij->i", X, X)
    odd = ~((squares > _LEAST_SQUARE) & (squares < _LARGEST_SQUARE))
    sizes = np.ones(len(X))
    if odd.any():
        sizes[odd] = row_sizes(X[odd])
    return sizes


def norms_of(rows):
    """Euclidean norm of each row, also if its square is beyond the range of the dtype."""
    limits = np.finfo(rows.dtype)
    low, high = 2.0 ** (limits.minexp // 2 + 16), 2.0 ** (limits.maxexp // 2 - 16)
    with np.errstate(over="ignore", under="ignore"):
        norms = np.linalg.norm(rows, axis=1)
    odd = np.flatnonzero(~((norms > low) & (norms < high)))
    if odd.size:
        exponents = exponents_of(row_sizes(rows[odd]))
        there = scaled(rows[odd], exponents[:, None])
        norms[odd] = scaled(np.linalg.norm(there, axis=1), -exponents)
    return norms


def scaled(array, exponent):
    """Array times ``2**exponent`` in its dtype; the array itself if the exponent is 0."""
    if np.ndim(exponent) == 0 and exponent == 0:
        return array
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(array, exponent)


def scaled_parameter(value, exponent, most=_LARGEST_EXPONENT):
    """Numbers times ``2**exponent``; results become neither 0 nor infinite.

    Numbers that would be are clipped. For samples near 1 their exact size does not matter.
    """
    values = np.asarray(value, dtype=np.float64)
    out = scaled(values, exponent)
    limits = np.ldexp(1.0, (-most, most))
    out = np.where((values > 0) & np.isfinite(values) & (exponent != 0), np.clip(out, *limits), out)
    return float(out) if out.ndim == 0 else out


def cast(value, dtype):
    """Cast a parameter to a floating dtype; results become neither 0 nor infinite.

    Beyond the range of the dtype the exact size does not matter, but a weight of 0 would remove the
    penalty of an atom.
    """
    limits, values = np.finfo(dtype), np.asarray(value, dtype=np.float64)
    inside = np.clip(values, limits.tiny, limits.max)
    inside = np.where((values > 0) & np.isfinite(values), inside, values)
    return inside.astype(dtype)[()]
