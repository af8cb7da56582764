"""Samples and codes as blocks of rows, from any kind of array or matrix.

The source is an array in any order, read-only or memory-mapped, or a sparse matrix. Only the
present block is made dense, contiguous and of the right dtype.
"""

from __future__ import annotations

import mmap

import numpy as np
from scipy import sparse

from sparsecode import _jit
from sparsecode._simd import LANES, lowest_bit, nonzero_mask


def dense_rows(matrix, rows, dtype):
    """A block of rows as a C-contiguous array of `dtype`; may be a view of `matrix`."""
    release(matrix)
    block = matrix[rows]
    # To ask whether an array is sparse takes longer than its type.
    if type(block) is not np.ndarray and sparse.issparse(block):
        block = block.toarray()
    return np.ascontiguousarray(block, dtype=dtype)


def is_on_disk(X):
    """Whether `X` is a memory map, or a view of one."""
    return _map_of(X) is not None


def release(X):
    """Release the pages of a memory map that were read, because they count as used memory.

    Views of these pages read them again.
    """
    mapped = _map_of(X)
    # A copy-on-write map may hold changes that are nowhere else.
    if mapped is not None and mapped.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):
        mapped._mmap.madvise(mmap.MADV_DONTNEED)


def _map_of(X):
    # The base of a view of an array that is a view of a map is that array.
    while X is not None:
        if isinstance(X, np.memmap) and getattr(X, "_mmap", None) is not None:
            return X
        X = getattr(X, "base", None)
    return None


def stack_csr(blocks, n_columns):
    """CSR array of all blocks, each a triple as `compress` returns it."""
    values = np.concatenate([block[0] for block in blocks])
    columns = np.concatenate([block[1] for block in blocks])
    starts = np.concatenate([[0], np.cumsum(np.concatenate([block[2] for block in blocks]))])
    if starts[-1] <= np.iinfo(np.int32).max:
        starts = starts.astype(np.int32)
    else:
        columns = columns.astype(np.int64)
    return sparse.csr_array((values, columns, starts), shape=(len(starts) - 1, n_columns))


def compress(dense):
    """Values, columns, and number of each row, of the nonzeros of a block."""
    counts = np.empty(len(dense), dtype=np.int64)
    columns = np.empty(dense.size, dtype=np.int32)
    values = np.empty(dense.size, dtype=dense.dtype)
    n = _compress(dense, values, columns, counts)
    return values[:n].copy(), columns[:n].copy(), counts


@_jit.kernel
def _compress(dense, values, columns, counts):
    n = 0
    for i in range(dense.shape[0]):
        counts[i] = _compress_row(dense[i], n, values, columns)
        n += counts[i]
    return n


@_jit.inner
def _compress_row(row, n, values, columns):
    before = n
    whole = row.shape[0] // LANES * LANES
    for start in range(0, whole, LANES):
        mask = nonzero_mask(row, start)
        while mask != 0:
            j = start + lowest_bit(mask)
            values[n], columns[n] = row[j], j
            mask &= mask - 1
            n += 1
    for j in range(whole, row.shape[0]):
        if row[j] != 0:
            values[n], columns[n] = row[j], j
            n += 1
    return n - before
