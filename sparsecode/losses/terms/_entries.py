"""Entries of dense and of sparse codes, block by block, with one interface."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sparsecode._parallel import map_row_blocks

_BLOCK_SIZE = 128


class Entries(NamedTuple):
    """Entries of some rows of codes: all entries if dense, stored entries if sparse.

    Attributes
    ----------
    values, grad_codes : ndarray of shape (n_rows, n_components) or (n_entries,)
        Codes, and the gradient that a term is added to.
    shares : ndarray of shape (n_rows, 1) or (n_entries,)
        Share of the sample of each entry.
    columns : slice or ndarray of shape (n_entries,)
        Index that gives an array with one number per unit the layout of `values`.
    rows : slice
    starts : ndarray of shape (n_rows + 1,) or None
        Where the entries of each row of sparse codes begin.
    """

    values: np.ndarray
    grad_codes: np.ndarray
    shares: np.ndarray
    columns: slice | np.ndarray
    rows: slice
    starts: np.ndarray | None

    def row_sums(self, values):
        """Sum of an array like `values` over the units, in float64; shape (n_rows,)."""
        if self.starts is None:
            return values.sum(axis=1, dtype=np.float64)
        owners = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        return np.bincount(owners, values, len(self.starts) - 1)

    def column_sums(self, values, n_components):
        """Sum of an array like `values` over the rows, in float64; shape (n_components,)."""
        if self.starts is None:
            return values.sum(axis=0, dtype=np.float64)
        return np.bincount(self.columns, values, n_components)

    def spread(self, values):
        """Return one number per row in the layout of `values`."""
        values = values.astype(self.values.dtype)
        if self.starts is None:
            return values[:, None]
        return np.repeat(values, np.diff(self.starts))


def map_entries(function, codes, dcodes, share):
    """Call ``function(entries)`` on blocks of rows, on threads; returns the results in order.

    Parameters
    ----------
    function : callable
    codes : ndarray or csr_array of shape (n_samples, n_components)
    dcodes : ndarray of shape (n_samples, n_components), or (n_nonzeros,)
    share : ndarray of shape (n_samples, 1), or float
    """
    counts = np.broadcast_to(np.asarray(share, dtype=codes.dtype), (codes.shape[0], 1))

    def block(rows):
        if not sparse.issparse(codes):
            whole = slice(None)
            return function(Entries(codes[rows], dcodes[rows], counts[rows], whole, rows, None))
        starts = codes.indptr[rows.start : rows.stop + 1]
        part = slice(starts[0], starts[-1])
        shares = np.repeat(counts[rows, 0], np.diff(starts))
        columns = codes.indices[part]
        return function(Entries(codes.data[part], dcodes[part], shares, columns, rows, starts))

    return map_row_blocks(block, codes.shape[0], block_size=_BLOCK_SIZE)


def column_totals(function, codes, share):
    """Sum over the samples of ``function(entries)``, an array like the values; (n_components,)."""
    n_components = codes.shape[1]
    dcodes = codes.data if sparse.issparse(codes) else codes
    parts = map_entries(
        lambda entries: entries.column_sums(function(entries), n_components), codes, dcodes, share
    )
    return np.sum(parts, axis=0)
