"""Selection of the largest entries of a row, without sorting.

Entries are divided into many groups. At least k entries, and few others, are as large as the k-th
largest maximum of a group. So a row is read twice, and only entries above this bound are compared
one by one.
"""

from __future__ import annotations

import numpy as np

from sparsecode import _jit
from sparsecode._simd import LANES, lowest_bit, mask_from
from sparsecode.ops._bisection import count_from, least_selected, octave, sized_buffer

# Number of groups per selected entry, large enough that few other entries reach the bound.
_GROUPS = 8


def keep_largest(A, k, is_absolute, out):
    """Write the rows of `A`, with all entries but the `k` largest positive ones set to 0."""
    work = _work(A.shape[1], k, A.dtype)
    found = np.empty(k, dtype=A.dtype), np.empty(k, dtype=np.int32)
    _keep_rows(np.ascontiguousarray(A), k, is_absolute, work, *found, out)


def largest_entries(A, k, is_absolute):
    """The same entries alone: values, columns, and the number of each row."""
    counts = np.empty(len(A), dtype=np.int64)
    values, columns = np.empty(len(A) * k, dtype=A.dtype), np.empty(len(A) * k, dtype=np.int32)
    n = _list_rows(A, k, is_absolute, _work(A.shape[1], k, A.dtype), values, columns, counts)
    return values[:n], columns[:n], counts


def _work(n_columns, k, dtype):
    """Buffers for maxima of groups and for the entries that reach the bound."""
    n_groups = -(-_GROUPS * k // LANES) * LANES
    n_groups = n_groups if 2 * n_groups <= n_columns else 0
    # Counting works on whole vectors.
    n_padded = -(-n_columns // (2 * LANES)) * 2 * LANES
    tops, found = sized_buffer(max(n_groups, 1), dtype), sized_buffer(n_padded, dtype)
    return *tops, *found, np.empty(n_padded, dtype=np.int32), n_groups, octave(dtype)


@_jit.kernel
def _keep_rows(A, k, is_absolute, work, values, columns, out):
    for i in range(A.shape[0]):
        n = _largest_of_row(A[i], k, is_absolute, work, 0, values, columns)
        kept = out[i]
        for j in range(kept.shape[0]):
            kept[j] = 0
        for e in range(n):
            kept[columns[e]] = values[e]


@_jit.kernel
def _list_rows(A, k, is_absolute, work, values, columns, counts):
    n = 0
    for i in range(A.shape[0]):
        counts[i] = _largest_of_row(A[i], k, is_absolute, work, n, values, columns)
        n += counts[i]
    return n


@_jit.inner
def _largest_of_row(row, k, is_absolute, work, start, values, columns):
    """Write the largest entries, in their order, from `start` on; return their number."""
    tops, top_bits, sizes, bits, places, n_groups, octave = work
    if _group_maxima(row, is_absolute, n_groups, tops):
        # `tops` is the same memory, as floats.
        top_bits[0] = least_selected(top_bits[:n_groups], octave, k) if n_groups > 0 else 1
        n_found = _reaching(row, tops[0], is_absolute, sizes, places)
    else:
        n_found = _positive_or_none(row, is_absolute, sizes, places)
    if n_found == 0:
        return 0
    n_padded = (n_found + 2 * LANES - 1) // (2 * LANES) * 2 * LANES
    for e in range(n_found, n_padded):
        bits[e] = 0
    least = least_selected(bits[:n_padded], octave, k)
    ties = k - count_from(bits[:n_padded], least + 1)
    n = start
    for e in range(n_found):
        is_tie = bits[e] == least and ties > 0
        if bits[e] > least or is_tie:
            ties -= is_tie
            values[n], columns[n] = row[places[e]], places[e]
            n += 1
    return n - start


@_jit.inner
def _group_maxima(row, is_absolute, n_groups, tops):
    """Set the largest magnitude of every n-th entry; return whether all entries are finite."""
    total, zero = row.dtype.type(0), row.dtype.type(0)
    if n_groups == 0:
        for j in range(row.shape[0]):
            total += row[j] * zero
        return total == 0
    for t in range(n_groups):
        tops[t] = 0
    for start in range(0, row.shape[0], n_groups):
        part = row[start : min(start + n_groups, row.shape[0])]
        for t in range(part.shape[0]):
            size = abs(part[t]) if is_absolute else part[t]
            total += size * zero
            tops[t] = size if size > tops[t] else tops[t]
    return total == 0


@_jit.inner
def _reaching(row, bar, is_absolute, sizes, places):
    n, whole = 0, row.shape[0] // LANES * LANES
    for start in range(0, whole, LANES):
        mask = mask_from(row, start, bar, not is_absolute)
        while mask != 0:
            places[n] = start + lowest_bit(mask)
            sizes[n] = abs(row[places[n]])
            mask &= mask - 1
            n += 1
    for j in range(whole, row.shape[0]):
        if (abs(row[j]) if is_absolute else row[j]) >= bar:
            places[n], sizes[n] = j, abs(row[j])
            n += 1
    return n


@_jit.inner
def _positive_or_none(row, is_absolute, sizes, places):
    """Keep positive entries and NaN, which counts as the largest entry so that it is not lost."""
    n = 0
    for j in range(row.shape[0]):
        size = abs(row[j]) if is_absolute else row[j]
        if not size <= 0:
            places[n], sizes[n] = j, abs(size)
            n += 1
    return n
