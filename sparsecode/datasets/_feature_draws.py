"""Draws of features that fire and of their magnitudes, in blocks of samples with their own seeds.

All samples draw the roots and the free features. In a group of them, candidates follow one another
at the largest rate of the group, and each is kept with the share of its own rate: few numbers are
drawn where few features fire. Children are drawn where their parent fires.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import ndtr, ndtri

from .. import _jit
from .._gathered_rows import add_picked
from .._interrupts import halt_flag
from .._parallel import map_row_blocks

# Samples with one seed, and samples whose rates are in the cache together.
BLOCK, _STRIP = 256, 64
# Features with one largest rate.
_GROUP = 32
# Cells between -10 and 10 of a table of the normal distribution: beyond, features never or always
# fire, to a part in 10^23.
_CELLS_PER_UNIT, _REACH = 32, 10
_WEYL, _MIX, _MIX_AGAIN = map(
    np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
_S30, _S27, _S31, _S12 = map(np.uint64, (30, 27, 31, 12))


class Tables(NamedTuple):
    """What draws read; a feature fires where a normal number is below ``slopes[j] @ [e, 1]``."""

    slopes: np.ndarray
    always: np.ndarray
    first_child: np.ndarray
    branching: int
    exclusive: np.ndarray
    means: np.ndarray
    spreads: np.ndarray
    is_scaled: bool
    below: np.ndarray
    gaps: np.ndarray


def tables_of(mixture):
    """Tables of a `FeatureMixture`."""
    factors = np.asarray(mixture.factors, dtype=np.float64)
    rest = np.sqrt(1 - (factors**2).sum(axis=1))
    slopes = np.column_stack([factors, ndtri(mixture.firing_rates)]) / rest[:, None]
    first_child = mixture.forest.first_children(len(factors))
    return Tables(
        slopes.astype(np.float32),
        np.flatnonzero(mixture.parents < 0).astype(np.int32),
        first_child,
        mixture.forest.branching,
        mixture.exclusive,
        mixture.means,
        mixture.spreads,
        mixture.is_scaled,
        *_normal_cells(),
    )


def _normal_cells():
    """Normal distribution at the ends of cells, and scales of the gaps that each cell allows."""
    below = ndtr(
        np.arange(-_REACH * _CELLS_PER_UNIT, _REACH * _CELLS_PER_UNIT + 1) / _CELLS_PER_UNIT
    )
    below[0], below[-1] = 0, 1
    with np.errstate(divide="ignore"):
        return below, 1 / np.log1p(-below[1:])


def draw(tables, atoms, offset, seed, start, stop, n_jobs):
    """Samples from `start` to `stop` of the stream of a seed, and their codes as CSR."""
    X = np.empty((stop - start, atoms.shape[1]), dtype=atoms.dtype)
    first = start // BLOCK
    always = np.ascontiguousarray(tables.slopes[tables.always].T)

    def block(numbers):
        number = first + numbers.start
        data, indices, ends = _block(tables, always, seed, number, atoms.dtype)
        low, high = max(start - number * BLOCK, 0), min(stop - number * BLOCK, BLOCK)
        at = number * BLOCK - start
        _decode(data, indices, ends[low : high + 1], atoms, offset, X[at + low : at + high])
        kept = slice(ends[low], ends[high])
        return data[kept], indices[kept], np.diff(ends[low : high + 1])

    with np.errstate(over="ignore"):  # Of the generator, whose products wrap.
        found = map_row_blocks(block, -(-stop // BLOCK) - first, block_size=1, n_jobs=n_jobs)
    data, indices, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(indices.dtype)
    codes = sparse.csr_array((data, indices, ends), shape=(len(X), len(atoms)))
    codes.has_canonical_format = True
    return X, codes


def _block(tables, always, seed, number, dtype):
    """Values, features and ends of the rows of a block."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, number])))
    n_factors = len(always) - 1
    E = np.ones((BLOCK, n_factors + 1), dtype=np.float32)
    E[:, :-1] = rng.standard_normal((BLOCK, n_factors), dtype=np.float32)
    seeds = rng.integers(2**64, size=BLOCK, dtype=np.uint64)
    state = np.empty(1, dtype=np.uint64)
    ends = np.zeros(BLOCK + 1, dtype=np.int32)
    data, indices = np.empty(32 * BLOCK, dtype=dtype), np.empty(32 * BLOCK, dtype=np.int32)
    halt = halt_flag()
    for low in range(0, BLOCK, _STRIP):
        A, row = E[low : low + _STRIP] @ always, low
        while row < low + _STRIP:
            row = _fill(A, E, seeds, tables, state, halt, low, row, data, indices, ends)
            if row < 0:
                return data[:0], indices[:0], np.zeros_like(ends)
            if row < low + _STRIP:
                data, indices = (np.concatenate([a, np.empty_like(a)]) for a in (data, indices))
    return data, indices, ends


@_jit.kernel
def _fill(A, E, seeds, tables, state, halt, low, row, data, indices, ends):
    """Draw rows from `row` to the end of a strip; return the first without room, -1 if halted."""
    for i in range(row, low + A.shape[0]):
        if halt[0]:
            return -1
        state[0] = seeds[i]
        n = _fire_always(A[i - low], tables, state, ends[i], data, indices)
        n = _fire_children(E[i], tables, state, ends[i], n, data, indices)
        if n < 0:
            return i
        _sort(ends[i], n, data, indices)
        ends[i + 1] = n
    return low + A.shape[0]


@_jit.kernel
def _decode(data, indices, ends, atoms, offset, X):
    for i in range(X.shape[0]):
        row = X[i]
        for f in range(row.shape[0]):
            row[f] = offset[f]
        add_picked(row, data, indices, ends[i], ends[i + 1], atoms)


@_jit.inner
def _fire_always(a, tables, state, n, data, indices):
    """Append the roots and free features that fire; return where they end, -1 without room."""
    for low in range(0, a.shape[0], _GROUP):
        high = min(low + _GROUP, a.shape[0])
        cell = _cell(_largest(a, low, high))
        most, j = tables.below[cell + 1], low
        while True:
            # Gaps between candidates are geometric.
            gap = math.log(_uniform(state)) * tables.gaps[cell]
            if gap >= high - j:
                break
            j += int(gap)
            if _is_below(_uniform(state) * most, a[j], tables.below):
                n = _append(tables.always[j], 1.0, tables, state, n, data, indices)
                if n < 0:
                    return n
            j += 1
    return n


@_jit.inner
def _fire_children(e, tables, state, start, n, data, indices):
    """Append children of the features from `start` to `n`, and theirs."""
    at = start
    while 0 <= at < n:
        j = indices[at]
        child = tables.first_child[j]
        if child >= 0:
            boost = data[at] / tables.means[j] if tables.is_scaled else 1.0
            chosen, n_rivals = -1, 0
            for c in range(child, child + tables.branching):
                if not _is_below(_uniform(state), _slope(e, tables.slopes[c]), tables.below):
                    continue
                n_rivals += 1
                if not tables.exclusive[j]:
                    n = _append(c, boost, tables, state, n, data, indices)
                    if n < 0:
                        return n
                elif n_rivals * _uniform(state) < 1:
                    chosen = c
            if chosen >= 0:
                n = _append(chosen, boost, tables, state, n, data, indices)
        at += 1
    return n


@_jit.inner
def _append(j, boost, tables, state, n, data, indices):
    """Append a feature unless its magnitude is 0; return the new end, -1 without room."""
    value = (tables.means[j] + tables.spreads[j] * _normal(state)) * boost
    if value <= 0:
        return n
    if n == data.shape[0]:
        return -1
    data[n], indices[n] = value, j
    return n + 1


@_jit.inner
def _sort(start, end, data, indices):
    """Sort a row by its features."""
    for i in range(start + 1, end):
        value, j, at = data[i], indices[i], i
        while at > start and indices[at - 1] > j:
            data[at], indices[at] = data[at - 1], indices[at - 1]
            at -= 1
        data[at], indices[at] = value, j


@_jit.inner
def _largest(a, low, high):
    # Four at a time: each comparison waits for the one before.
    t0 = t1 = t2 = t3 = a[low]
    four = low + (high - low) // 4 * 4
    for j in range(low, four, 4):
        t0, t1 = max(t0, a[j]), max(t1, a[j + 1])
        t2, t3 = max(t2, a[j + 2]), max(t3, a[j + 3])
    for j in range(four, high):
        t0 = max(t0, a[j])
    return max(max(t0, t1), max(t2, t3))


@_jit.inner
def _slope(e, slopes):
    total = 0.0
    for f in range(e.shape[0]):
        total += e[f] * slopes[f]
    return total


@_jit.inner
def _cell(a):
    """Cell of the table of the normal distribution."""
    a = min(max(a, -_REACH), _REACH - 0.5 / _CELLS_PER_UNIT)
    return int((a + _REACH) * _CELLS_PER_UNIT)


@_jit.inner
def _is_below(u, a, below):
    """Whether `u` is below the probability of a normal number below `a`, exactly."""
    cell = _cell(a)
    if u < below[cell] or u >= below[cell + 1]:
        return u < below[cell]
    return u < 0.5 * math.erfc(-a * 0.7071067811865476)


@_jit.inner
def _uniform(state):
    """Next number above 0 and below 1 of the generator SplitMix64."""
    state[0] += _WEYL
    z = state[0]
    z = (z ^ (z >> _S30)) * _MIX
    z = (z ^ (z >> _S27)) * _MIX_AGAIN
    z ^= z >> _S31
    return ((z >> _S12) + 0.5) * 2.0**-52


@_jit.inner
def _normal(state):
    """Next normal number (Box and Muller)."""
    radius = math.sqrt(-2 * math.log(_uniform(state)))
    return radius * math.cos(2 * math.pi * _uniform(state))
