"""Powers of two that bring numbers of any unit near 1: exact, so that nothing else changes.

Squares, and squares of squares, leave the range of a float long before the numbers themselves do;
what underflows there reads as optimal. So samples, atoms and codes of extreme size are multiplied
by powers of two, in whose units everything is computed.
"""

from __future__ import annotations

import numpy as np

# Exponents up to which numbers are computed with as they are: fourth powers of their quotients fit
# into float32, as do the squares of what is a millionth of them.
COMFORT = 24
# Of rows in that range: far cheaper than magnitudes, and sure.
_LEAST_SQUARE, _LARGEST_SQUARE = 2.0 ** (-2 * COMFORT), 2.0 ** (2 * COMFORT)
# Exponents of odd rows are rounded, so that few units are needed: there are as many groups.
_STEP = 16
# Parameters of a penalty beyond these mean the same as these: all zero, or not at all.
_LARGEST_EXPONENT = 1020


def exponents_of(sizes):
    """Exponents of two that bring sizes into the comfortable range; 0 for those that are there.

    `sizes` are not negative; one that is 0, infinite or NaN gets 0.
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    exponents = np.frexp(np.where(np.isfinite(sizes), sizes, 0))[1].astype(np.int64)
    exponents = np.where(np.abs(exponents) > COMFORT, -_STEP * np.rint(exponents / _STEP), 0)
    return exponents.astype(np.int64)


def exponent_between(sizes):
    """One exponent for sizes that belong together, 0 if the largest is comfortable.

    Brings the middle between the largest and the smallest that is not 0 near 1, but the largest no
    further than into the comfortable range.
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
    """Whether every row is in the middle of its range; judged by squares, at no great cost."""
    squares = np.einsum("ij,ij->i", X, X)
    return squares.size > 0 and squares.min() > _LEAST_SQUARE and squares.max() < _LARGEST_SQUARE


def odd_sizes(X):
    """Largest magnitude of each row as `row_sizes`, but 1 for any that is comfortable."""
    squares = np.einsum("ij,ij->i", X, X)
    odd = ~((squares > _LEAST_SQUARE) & (squares < _LARGEST_SQUARE))
    sizes = np.ones(len(X))
    if odd.any():
        sizes[odd] = row_sizes(X[odd])
    return sizes


def norms_of(rows):
    """Euclidean norm of each row, also where its square is beyond the range of the type."""
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
    """The array times ``2**exponent``, in its type; itself where that is 1."""
    if np.ndim(exponent) == 0 and exponent == 0:
        return array
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(array, exponent)


def scaled_parameter(value, exponent, most=_LARGEST_EXPONENT):
    """A number, or an array of such, times ``2**exponent``; neither 0 nor infinite unless it was.

    What would be is so small, or so large, against samples near 1 that its size does not matter.
    """
    values = np.asarray(value, dtype=np.float64)
    out = scaled(values, exponent)
    limits = np.ldexp(1.0, (-most, most))
    out = np.where((values > 0) & np.isfinite(values) & (exponent != 0), np.clip(out, *limits), out)
    return float(out) if out.ndim == 0 else out


def cast(value, dtype):
    """A parameter in a floating type, neither 0 nor infinite unless it was.

    Beyond the range of the type its size does not matter, but a weight of 0 leaves atoms free.
    """
    limits, values = np.finfo(dtype), np.asarray(value, dtype=np.float64)
    inside = np.clip(values, limits.tiny, limits.max)
    inside = np.where((values > 0) & np.isfinite(values), inside, values)
    return inside.astype(dtype)[()]
