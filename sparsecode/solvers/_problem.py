"""What a solver is given: a validated problem, and a block of rows of the answer to fill in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from sparsecode._rows import dense_rows
from sparsecode.dictionary import Dictionary
from sparsecode.penalties import Penalty


@dataclass
class Problem:
    """A validated batch, read a block of rows at a time in the dtype of its dictionary.

    With `missing`, NaN in `X` marks entries on which a sample is not fitted.
    """

    X: np.ndarray | csr_matrix
    dictionary: Dictionary
    penalty: Penalty
    prepared: Penalty
    codes: np.ndarray | csr_matrix | None
    missing: bool = False

    @property
    def shape(self):
        """Of the codes."""
        return self.X.shape[0], self.dictionary.n_components

    @property
    def by_gap(self):
        """Whether a duality gap from the residual alone can judge the codes.

        Free atoms need a projection that `certify` makes but an iteration cannot afford.
        """
        penalty = self.penalty
        return penalty.convex and not penalty.unpenalized(self.dictionary.n_components).any()

    def astype(self, dtype):
        """The problem in another precision; itself if it has that already."""
        if self.dictionary.dtype == dtype:
            return self
        prepared = self.penalty.prepare(self.dictionary.n_components, dtype)
        return replace(self, dictionary=self.dictionary.astype(dtype), prepared=prepared)

    def samples(self, rows, dtype=None):
        """A block of samples as they are, not to be written to."""
        return dense_rows(self.X, rows, self.dictionary.dtype if dtype is None else dtype)

    def centred(self, rows, dtype=None):
        """A block of samples less the offset."""
        X = self.samples(rows, dtype)
        return self.dictionary.center(X).astype(X.dtype, copy=False)

    def correlations(self, rows):
        """Inner products of a block of centred samples with the atoms, and half its energies."""
        X = self.centred(rows)
        energy = np.einsum("ij,ij->i", X, X, dtype=np.float64) / 2
        return X @ self.dictionary.atoms.T, energy

    def part(self, rows, inside, seen):
        """The problem of some samples of a block, on the features that they have."""
        size = len(range(*rows.indices(self.X.shape[0])))
        return Problem(
            self.samples(rows)[inside][:, seen],
            self.dictionary if seen.all() else self.dictionary.select_features(seen),
            self.penalty.for_rows(rows, self.X.shape[0]).for_rows(inside, size),
            self.prepared,
            None if self.codes is None else self.start_of(rows)[inside],
        )

    def start(self, rows, out):
        """Fill `out`, which holds zeros, with the codes to start from."""
        if self.codes is not None:
            out[:] = self.start_of(rows)

    def start_of(self, rows):
        """The codes that a block starts from."""
        return dense_rows(self.codes, rows, self.dictionary.dtype)


class Block(NamedTuple):
    """A block of rows of the answer, for a solver to fill in.

    `codes` holds where to start. `history`, of shape (n_samples, 2, n_records), takes objective
    and stopping quantity of each iteration; it has no records unless they are wanted.
    """

    rows: slice
    codes: np.ndarray
    n_iter: np.ndarray
    stop: np.ndarray
    history: np.ndarray
