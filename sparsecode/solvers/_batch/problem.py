"""Validated problems, and blocks of rows of codes for a solver to fill in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from sparsecode import _jit
from sparsecode._atom_products import FEW_ATOMS
from sparsecode._binary_scaling import scaled
from sparsecode._row_blocks import dense_rows
from sparsecode._row_products import panels_to_keep, row_product
from sparsecode.dictionary import Dictionary
from sparsecode.penalties import Penalty
from sparsecode.solvers._kernels.arguments import Answer, StopRule, Task

# A larger one than this is never computed where columns of it, or products in its place, will do.
MOST_GRAM_BYTES = 2**32
# What a sample that iterates costs more by products than by rows of the Gram matrix. With 100
# features that is nothing, as first codes have more nonzeros; with more of them it is little.
_COLUMNS_OF_ITERATIONS = 10


@dataclass
class Problem:
    """A validated batch, read a block of rows at a time in the dtype of its dictionary.

    With `missing`, NaN in `X` marks entries on which a sample is not fitted. `X` and `codes` are as
    they were given; samples, and codes to start from, are those times ``2**exponent`` and
    ``2**code_exponent``, the units of dictionary and penalty.
    """

    X: np.ndarray | csr_matrix
    dictionary: Dictionary
    penalty: Penalty
    prepared: Penalty
    codes: np.ndarray | csr_matrix | None
    missing: bool = False
    exponent: int = 0
    code_exponent: int = 0

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Shape of the codes."""
        return self.X.shape[0], len(self.dictionary.atoms)

    @property
    def by_gap(self) -> Any:
        """True if a duality gap from the residual alone can tell an iteration when to stop.

        Free atoms need a projection that `certify` makes but an iteration cannot afford.
        """
        penalty = self.penalty
        return penalty.convex and not penalty.unpenalized(self.dictionary.n_components).any()

    @property
    def origin(self) -> Any:
        """Value of the coefficients of a code that no start is given for, mostly 0."""
        return self.penalty.origin(self.shape[1])

    def takes_gram(self, columns_a_row):
        """Return whether to compute the Gram matrix, where a sample else takes so many columns."""
        return takes_gram(self.dictionary, self.shape[0] * columns_a_row)

    @cached_property
    def gram(self) -> np.ndarray:
        """Gram matrix or, where that costs too much, ``atoms.T``; see `residual_correlations`."""
        if self.takes_gram(_COLUMNS_OF_ITERATIONS):
            return self.dictionary.gram
        return columns_as_gram(self.columns)

    @cached_property
    def columns(self) -> Any:
        """The atoms as columns, ``atoms.T``, contiguous."""
        return np.ascontiguousarray(self.dictionary.atoms.T)

    def make_shared(self, *, lipschitz=True):
        """Compute the Gram matrix and its bound before blocks need them at the same time."""
        if not self.missing:
            _ = self.gram
            _ = lipschitz and self.dictionary.lipschitz

    def times_gram(self, codes):
        """``codes @ gram``, whether there is one or not."""
        if len(self.gram) == self.dictionary.n_components:
            return row_product(codes, self._kept_gram)
        return self.dictionary._correlate(self.dictionary._combine(codes))

    @cached_property
    def _kept_gram(self):
        return panels_to_keep(self.gram)

    def well_posed(self):
        """The problem in float64 if some coefficients cost nothing.

        Among such, what does not change the residual is bounded by rounding alone.
        """
        if self.penalty.unpenalized(self.dictionary.n_components).any():
            return self.astype(np.float64)
        return self

    def astype(self, dtype):
        """The problem in another precision; itself if it has that already."""
        if self.dictionary.dtype == dtype:
            return self
        prepared = self.penalty.prepare(self.dictionary.n_components, dtype)
        return replace(self, dictionary=self.dictionary.astype(dtype), prepared=prepared)

    @property
    def atom_exponent(self) -> Any:
        """Exponent of the unit of the atoms."""
        return self.exponent - self.code_exponent

    def in_units(self, exponent):
        """The problem with samples times ``2**exponent`` and atoms in their unit.

        Of one with samples and atoms as they were given.
        """
        code_exponent = exponent - self.dictionary.unit_exponent
        if exponent == code_exponent == 0:
            return self
        dictionary = self.dictionary.in_unit(exponent)
        penalty = self.penalty.rescaled(codes=code_exponent, values=2 * exponent)
        return replace(
            self,
            dictionary=dictionary,
            penalty=penalty,
            prepared=penalty.prepare(dictionary.n_components, dictionary.dtype),
            exponent=exponent,
            code_exponent=code_exponent,
        )

    def samples(self, rows, dtype=None):
        """A block of samples, not to be written to."""
        dtype = self.dictionary.dtype if dtype is None else dtype
        if self.exponent == 0:
            return dense_rows(self.X, rows, dtype)
        X = dense_rows(self.X, rows, self.dictionary.dtype)
        return scaled(X, self.exponent).astype(dtype, copy=False)

    def centred(self, rows, dtype=None):
        """A block of samples less the offset."""
        X = self.samples(rows, dtype)
        return self.dictionary.center(X).astype(X.dtype, copy=False)

    def correlations(self, rows):
        """Inner products of a block of centred samples with the atoms, and half squared norms."""
        X = self.centred(rows)
        half_squared_norm = np.einsum("ij,ij->i", X, X, dtype=np.float64) / 2
        return self.dictionary._correlate(X), half_squared_norm

    def task(self, rows):
        """A block of samples in the Gram domain, for kernels."""
        return Task(*self.correlations(rows), self.gram)

    def stop_rule(self, tol, max_iter):
        """The rule by which kernels end a sample, in the type of the dictionary."""
        real = self.dictionary.dtype.type
        lipschitz = real(self.dictionary.lipschitz * _jit.ABOVE_ONE)
        return StopRule(self.by_gap, lipschitz, tol, max_iter)

    def only(self, rows, inside, codes):
        """The problem of some samples of a block in float64, from other codes, in its units."""
        seen = np.ones(self.dictionary.n_features, dtype=bool)
        part = self.part(rows, inside, seen).astype(np.float64)
        return replace(part, codes=scaled(codes, -self.code_exponent))

    def part(self, rows, inside, seen):
        """The problem of some samples of a block, on the features that they have."""
        size = len(range(*rows.indices(self.X.shape[0])))
        dtype = self.dictionary.dtype
        return replace(
            self,
            X=dense_rows(self.X, rows, dtype)[inside][:, seen],
            dictionary=self.dictionary if seen.all() else self.dictionary.select_features(seen),
            penalty=self.penalty.for_rows(rows, self.X.shape[0]).for_rows(inside, size),
            codes=None if self.codes is None else dense_rows(self.codes, rows, dtype)[inside],
            missing=self.missing and bool(seen.all()),
        )

    def start(self, rows, out):
        """Fill `out`, which holds zeros, with the codes to start from."""
        if self.codes is not None:
            out[:] = self.start_of(rows)
        elif self.origin != 0:
            out[:] = self.origin

    def start_of(self, rows):
        """The codes that a block starts from: the origin for samples of 0, whose codes it is."""
        codes = scaled(dense_rows(self.codes, rows, self.dictionary.dtype), self.code_exponent)
        X = self.centred(rows)
        # NaN are missing entries.
        is_zero = ~((X != 0) & (X == X)).any(axis=1, keepdims=True)
        return np.where(is_zero, self.origin, codes) if is_zero.any() else codes


def takes_gram(dictionary, n_columns):
    """Return whether the whole Gram matrix of the atoms is worth its time and memory.

    It costs as much time as ``n_components`` of its columns. Without it, as many products with all
    atoms as take the time of `n_columns` are needed; see ``benchmarks/many_atoms.py``.
    """
    n_components, n_features = dictionary.atoms.shape
    if n_components <= FEW_ATOMS or n_components <= n_features:
        return True
    fits = n_components**2 * dictionary.dtype.itemsize <= MOST_GRAM_BYTES
    return fits and n_columns >= n_components


def columns_as_gram(columns):
    """``atoms.T`` to give to a kernel in place of a Gram matrix.

    It tells them apart by the number of rows, which is smaller for the atoms.
    """
    columns = columns.view()
    # As a Gram matrix is: kernels are compiled for one or the other.
    columns.flags.writeable = False
    return columns


class Block(NamedTuple):
    """A block of rows of the answer, for a solver to fill in.

    `codes` holds where to start. `history`, of shape (n_samples, 2, n_records), takes objective
    and stopping quantity of each iteration; it has no records unless they are wanted. `proven`
    says which samples need no other judge: their claim holds, and they are no worse than a code of
    0 and the start, whatever rounding hides; all others are judged in float64.
    """

    rows: slice
    codes: np.ndarray
    n_iter: np.ndarray
    stop: np.ndarray
    history: np.ndarray
    proven: np.ndarray

    @property
    def is_proven(self) -> bool:
        """True if no sample needs another judge."""
        return np.count_nonzero(self.proven) == len(self.proven)

    @property
    def answer(self) -> Any:
        """The arrays to fill in, for kernels."""
        return Answer(*self[1:])

    @classmethod
    def empty(cls, codes, history):
        """A block of all rows of some codes, with nothing done."""
        size = len(codes)
        return cls(
            slice(0, size),
            codes,
            np.zeros(size, dtype=np.int64),
            np.full(size, np.inf),
            history,
            np.zeros(size, dtype=bool),
        )
