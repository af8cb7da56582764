"""Samples to learn from in chunks of Dask: batches of them, and some of their rows in memory."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import dask
import numpy as np

from sparsecode._batches import Batch, Samples, joined
from sparsecode.distributed._chunks import Chunks

# A batch is drawn in at least so many runs of rows, so that several workers code it. Longer runs
# are divided, so that hundreds of workers do, but not into more than a scheduler can hand out.
_FEWEST_RUNS, _LONG_RUN, _MOST_RUNS = 8, 2**14, 1024
# Runs are drawn from so many chunks at a time, which are read once and kept, within these bytes.
_WINDOW, _WINDOW_BYTES = 8, 2**30
# Limits of what is read to start from: rows, their bytes, and chunks.
_MOST_ROWS, _MOST_BYTES, _MOST_CHUNKS = 2**17, 2**28, 64


class ChunkedSamples:
    """Samples in a Dask array, with the methods of `sparsecode._batches.Samples`.

    Rows are drawn in runs of consecutive ones, from a few chunks at a time. Batches do not depend
    on the number of workers.
    """

    def __init__(
        self,
        X: Any,
        sample_weight: Any = None,
        target: Any = None,
        *,
        run: int | None = None,
        runs: Any = None,
        chunks: Any = None,
    ) -> None:
        self.X: Any = X
        self.sample_weight: Any = sample_weight
        self.target: Any = target
        self._chunks: Any = chunks or [
            None if array is None else Chunks(array) for array in (X, target)
        ]
        if runs is None:
            runs = _runs(X.chunks[0], X.shape[0] if run is None else run_length(run))
            if sample_weight is not None:
                runs = [rows for rows in runs if np.any(sample_weight[slice(*rows)] > 0)]
        self.units: Any = runs

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.units)

    @property
    def weight(self) -> float:
        """Sum of the weights of the samples."""
        if self.sample_weight is None:
            return float(len(self))
        return float(sum(self.sample_weight[slice(*rows)].sum() for rows in self.units))

    def split(self, n_held: float, rng: Any) -> Any:
        """Return two sets of samples, the second of about `n_held`, drawn at random."""
        runs = [part for rows in self.units for part in _parts(*rows, max(round(n_held / 64), 1))]
        order, n_runs, n_rows = rng.permutation(len(runs)), 0, 0
        while n_rows < n_held and n_runs < len(runs) - 1:
            start, stop = runs[order[n_runs]]
            n_rows, n_runs = n_rows + stop - start, n_runs + 1
        parts = np.sort(order[n_runs:]), np.sort(order[:n_runs])
        learned, held = (self._with([runs[i] for i in part]) for part in parts)
        return learned, _Held(held)

    def whole(self) -> Batch:
        """All samples as one batch."""
        lengths = self.X.chunks[0]
        if len(self) == sum(lengths):
            return Batch(self.X, self.sample_weight, self.target)
        return self._batch(self.units)

    def read(self) -> Batch:
        """All samples as one batch in memory."""
        batch = self._batch(self.units)
        X, target = dask.compute(batch.X, batch.target)
        return Batch(X, batch.sample_weight, target)

    def batches(self, size: int, rng: Any = None) -> Any:
        """Batches of `size` samples, the last one smaller, in random order or as they come."""
        taken, free = [], size
        for window in self._windows(rng):
            for chunks in self._chunks:
                if chunks is not None:
                    chunks.hold([*taken, *window])
            for start, stop in window:
                first = start
                while stop - first >= free:
                    yield self._batch([*taken, (first, first + free)])
                    taken, first, free = [], first + free, size
                if first < stop:
                    taken.append((first, stop))
                    free -= stop - first
        if taken:
            yield self._batch(taken)

    def _windows(self, rng):
        """Runs of a few chunks at a time: as they come, or chunks and runs in random order."""
        stops, groups = np.cumsum(self.X.chunks[0]), {}
        for run in self.units:
            groups.setdefault(np.searchsorted(stops, run[0], side="right"), []).append(run)
        groups = list(groups.values())
        order = np.arange(len(groups)) if rng is None else rng.permutation(len(groups))
        row = math.prod(self.X.shape[1:]) * self.X.dtype.itemsize
        most = max(_WINDOW_BYTES // max(row * max(self.X.chunks[0]), 1), 1)
        for start in range(0, len(order), min(most, _WINDOW)):
            chosen = [groups[i] for i in order[start : start + min(most, _WINDOW)]]
            yield [run for runs in chosen for run in runs] if rng is None else _mixed(chosen, rng)

    def _with(self, runs):
        arrays = self.X, self.sample_weight, self.target
        return type(self)(*arrays, runs=runs, chunks=self._chunks)

    def _batch(self, runs):
        runs, weight = sorted(runs), self.sample_weight
        X, target = (None if chunks is None else chunks.rows(runs) for chunks in self._chunks)
        if weight is not None:
            weight = np.concatenate([weight[slice(*run)] for run in runs])
        return Batch(X, weight, target)


class _Held:
    """Samples to validate with, kept in memory from when they are used."""

    def __init__(self, samples):
        self.samples, self.units = samples, samples.units

    @functools.cached_property
    def in_memory(self):
        return Samples(*self.samples.read())

    def whole(self):
        """All samples as one batch."""
        return self.in_memory.whole()

    def batches(self, size):
        """Batches of `size` samples, the last one smaller, as they come."""
        return self.in_memory.batches(size)


def run_length(size: int) -> int:
    """Number of rows of the runs that batches of `size` samples are drawn in."""
    return max(min(size // _FEWEST_RUNS, max(_LONG_RUN, size // _MOST_RUNS)), 1)


def some_rows(batch: Batch, rng: Any, most: int | None = None) -> Batch:
    """Return a batch in memory with some of the samples, drawn at random, at most `most`.

    They come from a limited number of chunks, each of which is read once. Few samples are all
    taken, and nothing is drawn.
    """
    (X, weight, target), lengths = batch, np.array(batch.X.chunks[0])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    most = most_rows(X) if most is None else min(most_rows(X), most)
    chosen = np.flatnonzero(lengths)
    if len(chosen) > _MOST_CHUNKS or starts[-1] > most:
        chosen = np.sort(rng.permutation(chosen)[: min(_MOST_CHUNKS, most)])
    share = most / lengths[chosen].sum()
    rows = []
    for start, length in zip(starts[chosen], lengths[chosen], strict=True):
        part = np.arange(length)
        if share < 1:
            part = np.sort(rng.permutation(length)[: max(int(share * length), 1)])
        rows.append(start + part)
    computed = dask.compute([(X[part], None if target is None else target[part]) for part in rows])
    blocks = [Batch(x, None, y) for x, y in computed[0]]
    weight = None if weight is None else weight[np.concatenate(rows)]
    return joined(blocks)._replace(sample_weight=weight).counted()


def most_rows(X: Any) -> int:
    """Largest number of rows that are read into memory at once, to start from or to hold out."""
    return min(_MOST_ROWS, max(_MOST_BYTES // max(8 * math.prod(X.shape[1:]), 1), 1))


def _runs(lengths, most):
    """Runs of at most `most` consecutive rows, none of which leaves its chunk."""
    stops = np.cumsum(lengths)
    starts = stops - lengths
    pairs = zip(starts.tolist(), stops.tolist(), strict=True)
    return [part for start, stop in pairs for part in _parts(start, stop, most)]


def _mixed(chunks, rng):
    """Runs of some chunks in random order, one of each chunk in turn, so that all have work."""
    shuffled = [[runs[i] for i in rng.permutation(len(runs))] for runs in chunks]
    rounds = itertools.zip_longest(*shuffled)
    mixed = [turn[i] for turn in rounds for i in rng.permutation(len(turn))]
    return [run for run in mixed if run is not None]


def _parts(start, stop, most):
    return [(i, min(i + most, stop)) for i in range(start, stop, most)]
