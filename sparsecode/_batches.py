"""Samples drawn in batches, wherever they are: an array, a sparse matrix, or a file."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode._rows import is_on_disk


class Batch(NamedTuple):
    """Samples that one step of the dictionary learns from, and how much each counts.

    Attributes
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
        None is 1 each.
    """

    X: np.ndarray
    sample_weight: np.ndarray | None = None


class Samples:
    """Samples to learn from, and their weights.

    Rows are drawn one by one, but those of a memory map in runs of `run` consecutive ones: single
    rows would read a page of the file each.
    """

    def __init__(self, X, sample_weight=None, *, run=None, units=None):
        self.X, self.sample_weight = X, sample_weight
        self.run = (run or X.shape[0]) if is_on_disk(X) else 1
        if units is None:
            units = np.arange(-(-X.shape[0] // self.run))
            if sample_weight is not None and self.run == 1:
                units = np.flatnonzero(sample_weight > 0)
        self.units = units

    def __len__(self):
        return min(len(self.units) * self.run, self.X.shape[0])

    @property
    def weight(self):
        """Sum of the weights of the samples."""
        if self.sample_weight is None:
            return float(len(self))
        if self.run == 1:
            return float(self.sample_weight[self.units].sum())
        return float(sum(self._run(unit).sample_weight.sum() for unit in self.units))

    def split(self, n_held, rng):
        """Two sets of samples, the second of about `n_held`, drawn at random."""
        n_units = min(max(round(n_held / self.run), 1), len(self.units) - 1)
        order = rng.permutation(len(self.units))
        parts = np.sort(order[n_units:]), np.sort(order[:n_units])
        return [
            Samples(self.X, self.sample_weight, run=self.run, units=self.units[part])
            for part in parts
        ]

    def whole(self):
        """All samples as one batch, without a copy if these are all rows."""
        if len(self.units) * self.run >= self.X.shape[0]:
            return Batch(self.X, self.sample_weight)
        return self._batch(self.units)

    def batches(self, size, rng=None):
        """Batches of `size` samples, the last one smaller, in random order or as they come."""
        order = self.units if rng is None else rng.permutation(self.units)
        step = max(size // self.run, 1)
        for start in range(0, len(order), step):
            yield self._batch(order[start : start + step])

    def _batch(self, units):
        if self.run == 1:
            weight = None if self.sample_weight is None else self.sample_weight[units]
            return Batch(self.X[units], weight)
        if len(units) == 1:
            return self._run(units[0])
        runs = [self._run(unit) for unit in units]
        weight = None if self.sample_weight is None else np.concatenate([r[1] for r in runs])
        return Batch(np.concatenate([run.X for run in runs]), weight)

    def _run(self, unit):
        rows = slice(unit * self.run, (unit + 1) * self.run)
        return Batch(self.X[rows], None if self.sample_weight is None else self.sample_weight[rows])
