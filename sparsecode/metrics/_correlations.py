"""Correlations between the columns of codes, dense or sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sparsecode._binary_scaling import exponents_of, scaled
from sparsecode._row_blocks import dense_rows
from sparsecode._typing import MatrixLike
from sparsecode.metrics._counts import canonical

# Number of float64 entries of a dense block.
_ENTRIES = 2**22
# Ratio of mean square to variance above which columns are centred before the product.
_CANCELS = 1e6


def correlations(codes, other):
    """Return Pearson correlations of all pairs of columns, and a mask of the columns that vary.

    The mask is for `codes`. The correlation with a constant column is 0.
    """
    codes, other = _near_one(canonical(codes)), _near_one(canonical(other))
    first, second = _columns_of(codes), _columns_of(other)
    n_samples = codes.shape[0]
    if all(isinstance(side, _SparseColumns) and side.is_centred_enough for side in (first, second)):
        table = first.products(second) / n_samples
        table -= np.outer(first.mean, second.mean)
        table /= np.outer(first.unit, second.unit)
        table[first.deviation == 0] = 0
        table[:, second.deviation == 0] = 0
        return table, first.deviation > 0
    n_rows = max(_ENTRIES // max(codes.shape[1], other.shape[1]), 1)
    table = np.zeros((codes.shape[1], other.shape[1]))
    for start in range(0, n_samples, n_rows):
        rows = slice(start, start + n_rows)
        table += first.standard(rows).T @ second.standard(rows)
    return table / n_samples, first.deviation > 0


def _near_one(codes):
    """Scale columns by powers of two to keep squares in range; correlations do not change."""
    if sparse.issparse(codes):
        sizes = np.abs(codes).max(axis=0).toarray().ravel()
    else:
        sizes = np.maximum(codes.max(axis=0), -codes.min(axis=0))
    exponents = exponents_of(sizes)
    if not exponents.any():
        return codes
    if not sparse.issparse(codes):
        return scaled(codes, exponents)
    values = scaled(codes.data, exponents[codes.indices])
    return sparse.csr_array((values, codes.indices, codes.indptr), shape=codes.shape)


def _columns_of(codes):
    return (_SparseColumns if sparse.issparse(codes) else _Columns)(codes)


class _Columns:
    """Columns of codes with means and deviations; `unit` is infinite where the deviation is 0."""

    def __init__(self, codes: MatrixLike) -> None:
        self.codes = codes
        self.mean = self._mean()
        deviation = np.sqrt(self._squares() / codes.shape[0])
        # The mean of equal numbers is rounded too.
        self.deviation = np.where(deviation > 1e-14 * np.abs(self.mean), deviation, 0)
        self.unit = np.where(self.deviation > 0, self.deviation, np.inf)

    def _mean(self):
        return sum(rows.sum(axis=0) for rows in self._blocks()) / self.codes.shape[0]

    def _squares(self):
        """Sum of the squares about the mean."""
        return sum(((rows - self.mean) ** 2).sum(axis=0) for rows in self._blocks())

    def _blocks(self):
        n_rows = max(_ENTRIES // self.codes.shape[1], 1)
        starts = range(0, self.codes.shape[0], n_rows)
        return (dense_rows(self.codes, slice(i, i + n_rows), np.float64) for i in starts)

    def standard(self, rows: slice | np.ndarray) -> Any:
        """A block of rows less the mean, divided by the deviation."""
        return (dense_rows(self.codes, rows, np.float64) - self.mean) / self.unit


class _SparseColumns(_Columns):
    """The same of a sparse matrix, from its nonzeros."""

    def _mean(self):
        self._columns, self._values = self.codes.indices, self.codes.data.astype(np.float64)
        return self._sum(self._values) / self.codes.shape[0]

    def _squares(self):
        n_zeros = self.codes.shape[0] - np.bincount(self._columns, minlength=self.codes.shape[1])
        centred = self._values - self.mean[self._columns]
        return self._sum(centred**2) + n_zeros * self.mean**2

    def _sum(self, values):
        return np.bincount(self._columns, values, self.codes.shape[1])

    @property
    def is_centred_enough(self):
        """Whether the means can be subtracted after the product without losing many digits."""
        varies = self.deviation > 0
        return bool(np.all(self.mean[varies] ** 2 < _CANCELS * self.deviation[varies] ** 2))

    def products(self, other):
        """Products of all pairs of columns, summed over samples; only this table is dense."""
        mine = self._matrix().T.tocsr()
        others = other._matrix()
        out = np.empty((mine.shape[0], others.shape[1]))
        n_rows = max(_ENTRIES // others.shape[1], 1)
        for start in range(0, len(out), n_rows):
            out[start : start + n_rows] = (mine[start : start + n_rows] @ others).toarray()
        return out

    def _matrix(self):
        codes = self.codes
        return sparse.csr_array((self._values, codes.indices, codes.indptr), shape=codes.shape)
