"""Codes of a signal as the list of their nonzeros, and to and from arrays."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from scipy import sparse

from sparsecode._convolution.products import add_atoms


class Events(NamedTuple):
    """Nonzeros of the codes of one signal, ordered by position and then by atom."""

    components: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    @classmethod
    def none(cls) -> Self:
        """No nonzero."""
        empty = np.empty(0, dtype=np.int64)
        return cls(empty, empty, empty, np.empty(0))

    @classmethod
    def of_array(cls, codes) -> Self:
        """Nonzeros of an array (n_components, height, width)."""
        rows, columns, components = np.nonzero(codes.transpose(1, 2, 0))
        values = codes[components, rows, columns].astype(np.float64)
        return cls(components, rows, columns, values)

    @classmethod
    def of_matrix(cls, codes, n_columns) -> Self:
        """Nonzeros of a sparse matrix (n_positions, n_components)."""
        codes = sparse.csr_array(codes, copy=True)
        codes.sum_duplicates()
        codes.eliminate_zeros()
        positions = np.repeat(np.arange(codes.shape[0]), np.diff(codes.indptr))
        rows, columns = np.divmod(positions, n_columns)
        return cls(codes.indices.astype(np.int64), rows, columns, codes.data.astype(np.float64))

    def sorted(self) -> Self:
        """The same in order."""
        order = np.lexsort((self.components, self.columns, self.rows))
        return type(self)(*(part[order] for part in self))

    def only(self, kept) -> Self:
        """Some of them, by a mask."""
        return type(self)(*(part[kept] for part in self))

    def joined(self, other) -> Self:
        """These and others, in order."""
        return type(self)(*map(np.concatenate, zip(self, other, strict=True))).sorted()

    def array(self, n_components, positions, dtype):
        """An array (n_components, height, width)."""
        out = np.zeros((n_components, *positions), dtype)
        out[self.components, self.rows, self.columns] = self.values
        return out

    def matrix(self, n_components, positions, dtype):
        """A CSR array (n_positions, n_components)."""
        where = self.rows * positions[1] + self.columns
        shape = int(np.prod(positions)), n_components
        return sparse.csr_array((self.values.astype(dtype), (where, self.components)), shape)

    def decoded(self, atoms, shape):
        """The sum of the atoms, an array (n_channels, height, width) in float64."""
        out = np.zeros(shape)
        add_atoms(out, atoms, *self)
        return out
