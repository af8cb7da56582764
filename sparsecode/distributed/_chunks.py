"""Chunks of rows of a Dask array, in graphs that have no more than their rows need."""

from __future__ import annotations

import collections
import operator
import uuid
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.core import get_dependencies
from dask.utils import ensure_dict


class Rows(da.Array):
    """Dask array of rows of another one.

    Attributes
    ----------
    starts : list of int
        Number of the first row of each chunk in the other array.
    sources : list of (key, slice)
        Chunk of the other array that each chunk is cut from, and its rows there. A task that cuts
        its rows itself saves one.
    """

    starts: list[int]
    sources: list[Any]


class Chunks:
    """Chunks of a Dask array, from which rows are taken, and which can be held in memory.

    A slice of an array keeps the graph of all chunks, which would have to be cut again for every
    batch.

    Parameters
    ----------
    X : dask.array.Array
        Its chunks hold whole rows.
    """

    def __init__(self, X: Any) -> None:
        self._X: Any = X
        self._graph: Any = None
        # Key and tasks of the chunks that are held.
        self._held: dict[int, Any] = {}
        self._stops: np.ndarray = np.cumsum(X.chunks[0])

    def rows(self, runs: Any) -> Rows:
        """Dask array of some rows.

        Parameters
        ----------
        runs : list of (int, int)
            First row and the one after the last of consecutive rows.
        """
        graph, lengths, name = {}, [], f"rows-{uuid.uuid4().hex}"
        starts, sources = [], []
        for run in runs:
            for i, rows in self._pieces(*run):
                key, tasks = self._chunk(i)
                graph |= tasks
                graph[self._key(name, len(lengths))] = (operator.getitem, key, rows)
                lengths.append(rows.stop - rows.start)
                sources.append((key, rows))
                starts.append(int(self._stops[i]) - self._X.chunks[0][i] + rows.start)
        array = self._array(graph, name, lengths)
        array.starts, array.sources = starts, sources
        return array

    def hold(self, runs: Any) -> None:
        """Read the chunks of some rows once, and keep them, in place of those kept before.

        Chunks that one run takes from are not kept.
        """
        uses = collections.Counter(i for run in runs for i, _ in self._pieces(*run))
        self._held = {i: held for i, held in self._held.items() if i in uses}
        fresh = [i for i, n in uses.items() if n > 1 and i not in self._held]
        arrays = [self._only(i) for i in fresh]
        for i, array in zip(fresh, dask.persist(*arrays) if fresh else (), strict=True):
            self._held[i] = self._key(array.name, 0), dict(array.dask)

    def _pieces(self, start, stop):
        """Numbers of the chunks of consecutive rows, and the slice of each of them."""
        while start < stop:
            i = int(np.searchsorted(self._stops, start, side="right"))
            end, length = int(self._stops[i]), self._X.chunks[0][i]
            first = end - length
            yield i, slice(start - first, min(stop, end) - first)
            start = end

    def _chunk(self, i):
        """Key of a chunk, and the tasks that it needs."""
        return self._held.get(i) or (self._key(self._X.name, i), self._needed(i))

    def _only(self, i):
        """Array of one chunk."""
        key, tasks = self._chunk(i)
        name = f"chunk-{i}-{self._X.name}"
        return self._array({self._key(name, 0): key, **tasks}, name, [self._X.chunks[0][i]])

    def _needed(self, i):
        """Tasks of a chunk and of all that it needs."""
        if self._graph is None:
            self._graph = ensure_dict(self._X.dask)
        tasks, waiting = {}, [self._key(self._X.name, i)]
        while waiting:
            key = waiting.pop()
            if key not in tasks:
                tasks[key] = self._graph[key]
                waiting.extend(get_dependencies(self._graph, key))
        return tasks

    def _key(self, name, i):
        return (name, i, *[0] * (self._X.ndim - 1))

    def _array(self, graph, name, lengths):
        X = self._X
        return Rows(graph, name, (tuple(lengths), *X.chunks[1:]), dtype=X.dtype, meta=X._meta)
