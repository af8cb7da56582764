"""Source of the samples that initial atoms are made of, read when needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.random import sample_without_replacement

from sparsecode._row_blocks import dense_rows
from sparsecode._validation import check_matrix, check_random_state

# Number of samples to choose among, for each atom.
CANDIDATES_AN_ATOM = 10
# Number of dense rows at a time.
_BLOCK = 1024
# Smallest number of samples that `random_rows` chooses among.
_CHOICE = 10_000


class Source:
    """Samples, read when needed, and the constraint of the atoms that are made of them.

    Samples of weight 0 are left out, and rows are numbered without them.
    """

    def __init__(self, X, constraint, offset, missing, random_state, sample_weight=None):
        self.X, self.constraint, self.missing = X, constraint, missing
        self.rng = check_random_state(random_state)
        self.n_samples, self.n_features = X.shape
        self._used = None
        if sample_weight is not None and not np.all(sample_weight):
            self._used = np.flatnonzero(sample_weight)
            self.n_samples = len(self._used)
        self.offset = offset
        if offset is not None:
            self.offset = check_matrix([offset], "offset", n_columns=self.n_features)[0]

    def read(self, rows):
        """Some samples in float64, with the offset subtracted and missing entries filled."""
        block = dense_rows(self.X, self._numbered(rows), np.float64)
        if self.offset is not None:
            block = block - self.offset
        if self.missing:
            gone = np.isnan(block)
            block = np.where(gone, 0.0, block)
            observed = np.maximum((~gone).sum(axis=1, keepdims=True), 1)
            block = np.where(gone, block.sum(axis=1, keepdims=True) / observed, block)
        return check_matrix(block, "X")

    def _numbered(self, rows):
        """Rows of `X`, from row numbers that skip samples of weight 0."""
        return rows if self._used is None else self._used[rows]

    @property
    def n_entries(self) -> Any:
        """Number of entries of the samples that take part in a product."""
        return self.X.nnz if self._stays_sparse else self.n_samples * self.n_features

    @property
    def _stays_sparse(self):
        return sparse.issparse(self.X) and not self.missing

    def gram_times(self, directions):
        """``X.T @ X @ directions`` of samples as `read` gives them; sparse ones stay sparse."""
        out = np.zeros_like(directions)
        for rows in self.blocks():
            if not self._stays_sparse:
                X = self.read(rows)
                out += X.T @ (X @ directions)
                continue
            X = self.X[self._numbered(rows)]
            if not np.isfinite(X.data).all():
                # Raises.
                self.read(rows)
            projected = X @ directions
            if self.offset is not None:
                projected -= self.offset @ directions
                out -= np.outer(self.offset, projected.sum(axis=0))
            out += X.T @ projected
        return out

    def random_rows(self, n_atoms):
        """Rows in random order, at most `_CHOICE` or `CANDIDATES_AN_ATOM` for each atom.

        If all rows are returned, the draw does not depend on the order or the repetition of
        samples: rows are first sorted by their projection on a random direction.
        """
        n_most = max(_CHOICE, CANDIDATES_AN_ATOM * n_atoms)
        rows = np.arange(self.n_samples)
        if self.n_samples > n_most:
            rows = sample_without_replacement(self.n_samples, n_most, random_state=self.rng)
            rows.sort()
        direction = self.rng.standard_normal(self.n_features)
        values = np.concatenate(
            [
                np.einsum("ij,j->i", self.read(rows[i : i + _BLOCK]), direction)
                for i in range(0, len(rows), _BLOCK)
            ]
        )
        order = np.argsort(values, kind="stable")
        values = values[order]
        # Of equal rows, only the first is shuffled; the others come last.
        is_new = np.diff(values, prepend=-np.inf) > 1e-6 * np.abs(values)
        new = order[is_new]
        return rows[np.concatenate([new[self.rng.permutation(len(new))], order[~is_new]])]

    def blocks(self):
        """Slices of consecutive rows."""
        starts = range(0, self.n_samples, _BLOCK)
        return [slice(start, min(start + _BLOCK, self.n_samples)) for start in starts]

    def directions(self, atoms):
        """Atoms scaled to norm 1 and projected; atoms that become zero are left out."""
        projected = self.constraint.project(unit(atoms))
        return projected[projected.any(axis=1)]


def unit(rows):
    """Rows scaled to norm 1, whatever their size; a zero row stays zero."""
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    rows = rows / np.where(largest == 0, 1, largest)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms == 0, 1, norms)
