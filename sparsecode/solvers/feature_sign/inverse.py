"""Kernels on the inverse Gram matrix of an active set, kept as a sum of rank-one terms.

Term `t` is ``scales[t] * outer(row, row)`` with a row of its own. An atom that enters adds a term,
and one that leaves subtracts one, so that nothing that is there changes. In float64 whatever the
data: in float32 it is too inaccurate to be of use.

There are never more atoms than terms, so row `t` has no more than ``t + 1`` entries. Rows lie in
memory one behind the other, in groups of `TILE_ROWS` of the same length, and hold 0 behind the last
atom.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._simd import WIDTH, padded_dot
from sparsecode._tiled_rows import TILE_ROWS, add_tiled, put_in_tiles

# Terms that a pass may need besides those of all active atoms: two for each candidate.
_SPARE = 128
_LINE = 8


class Inverse(NamedTuple):
    """The rows in tiles, the scales, how many terms there are, and tiles of the longest row."""

    tiles: np.ndarray
    scales: np.ndarray
    n_terms: np.ndarray
    longest: int


@_jit.outlined_with_arrays
def make_inverse(most):
    """The inverse of no atoms, with space for `most` of them."""
    n_terms, longest = 2 * most + most // 2 + _SPARE, n_vectors(most)
    n_tiles = _first_tile(n_terms // TILE_ROWS + 1, longest)
    size = n_tiles * TILE_ROWS * WIDTH
    held = np.empty(size + _LINE)
    # A tile is whole cache lines.
    start = -(held.ctypes.data // 8) % _LINE
    tiles = held[start : start + size].reshape(n_tiles, TILE_ROWS * WIDTH)
    return Inverse(tiles, np.empty(n_terms + TILE_ROWS), np.zeros(1, dtype=np.int64), longest)


@_jit.inner
def n_vectors(count):
    """Number of vectors that so many entries take."""
    return (count + WIDTH - 1) // WIDTH


@_jit.inner
def pad(vector, count):
    """Fill a vector with 0 up to a whole number of vectors in registers."""
    for a in range(count, n_vectors(count) * WIDTH):
        vector[a] = 0.0


@_jit.inner
def _first_tile(group, longest):
    """Number of the first tile of a group of terms."""
    short = min(group // 2, longest)
    return short * (short + 1) + (group - 2 * short) * min(short + 1, longest)


@_jit.inner
def is_nearly_full(count, inverse):
    """Whether a pass might need more terms than there is space for."""
    return inverse.n_terms[0] + 2 * count + _SPARE > inverse.scales.shape[0]


@_jit.inner
def multiply(inverse, count, vector, out):
    """Fill `out` with the product of the inverse of `count` atoms and a vector, padded with 0."""
    end, first = n_vectors(count), 0
    for a in range(end * WIDTH):
        out[a] = 0.0
    for group in range((inverse.n_terms[0] + TILE_ROWS - 1) // TILE_ROWS):
        length = min(group // 2 + 1, inverse.longest)
        last = first + min(length, end)
        add_tiled(inverse.tiles, first, last, inverse.scales, group * TILE_ROWS, vector, out)
        first += length


@_jit.inner
def append(inverse, count, most, cross, square, tolerance, work):
    """Add an atom with inner products `cross` with the active ones and squared norm `square`.

    Fills `work` with the coefficients of the atom in the active ones. Returns the last entry of
    the new diagonal, or 0, with nothing changed, if the atom depends linearly on the others, as it
    does where there are `most`.
    """
    multiply(inverse, count, cross, work)
    schur = square - padded_dot(work, cross, count)
    if count == most or not schur > tolerance * square:
        return 0.0
    # With -1 for the new atom, all of the new inverse is the old one and an outer product.
    _add_term(inverse, count, 1.0 / schur, work)
    _set_last(inverse, count, -1.0)
    return 1.0 / schur


@_jit.inner
def remove(inverse, count, p, work):
    """Remove atom `p` of `count`, whose column is `work`; the last one takes its place."""
    _add_term(inverse, count, -1.0 / work[p], work)
    tiles, longest, last = inverse.tiles, inverse.longest, count - 1
    for t in range(inverse.n_terms[0]):
        group, r = t // TILE_ROWS, t % TILE_ROWS * WIDTH
        first, length = _first_tile(group, longest), min(group // 2 + 1, longest)
        value = 0.0
        if last // WIDTH < length:
            value = tiles[first + last // WIDTH, r + last % WIDTH]
            tiles[first + last // WIDTH, r + last % WIDTH] = 0.0
        if p != last and p // WIDTH < length:
            tiles[first + p // WIDTH, r + p % WIDTH] = value


@_jit.outlined
def _add_term(inverse, count, scale, work):
    """Add ``scale * outer(work, work)``."""
    t = inverse.n_terms[0]
    group, r = t // TILE_ROWS, t % TILE_ROWS
    first, length = _first_tile(group, inverse.longest), min(group // 2 + 1, inverse.longest)
    if r == 0:
        for i in range(1, TILE_ROWS):
            inverse.scales[t + i] = 0.0
        for tile in inverse.tiles[first : first + length]:
            for i in range(TILE_ROWS * WIDTH):
                tile[i] = 0.0
    put_in_tiles(inverse.tiles, first, first + min(n_vectors(count), length), r, work)
    inverse.scales[t] = scale
    inverse.n_terms[0] = t + 1


@_jit.inner
def _set_last(inverse, a, value):
    """Set the entry of an atom in the last term."""
    t = inverse.n_terms[0] - 1
    first = _first_tile(t // TILE_ROWS, inverse.longest)
    inverse.tiles[first + a // WIDTH, t % TILE_ROWS * WIDTH + a % WIDTH] = value
