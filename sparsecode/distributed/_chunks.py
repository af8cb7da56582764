"""Chunks of rows of a Dask array, each with a graph of its own."""

from __future__ import annotations

import collections
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.core import get_dependencies
from dask.utils import ensure_dict


class Chunks:
    """Parts of a Dask array whose graph has no more than these parts need.

    A slice of an array keeps the graph of all chunks, which would travel to the scheduler with
    every batch.

    Parameters
    ----------
    X : dask.array.Array
        Its chunks hold whole rows.
    """

    def __init__(self, X: Any) -> None:
        self._X: Any = X
        self._graph: Any = None
        self._arrays: dict[int, Any] = {}
        self._stops: np.ndarray = np.cumsum(X.chunks[0])

    def rows(self, runs: Any) -> Any:
        """Dask array of some rows.

        Parameters
        ----------
        runs : list of (int, int)
            First row and the one after the last of consecutive rows.
        """
        parts = [self._array(i)[rows] for run in runs for i, rows in self._pieces(*run)]
        return da.concatenate(parts) if len(parts) > 1 else parts[0]

    def hold(self, runs: Any) -> None:
        """Read the chunks of some rows once, and keep them, in place of those kept before.

        Chunks that one run takes from are not kept.
        """
        uses = collections.Counter(i for run in runs for i, _ in self._pieces(*run))
        self._arrays = {i: array for i, array in self._arrays.items() if i in uses}
        fresh = [i for i, n in uses.items() if n > 1 and i not in self._arrays]
        arrays = dask.persist(*map(self._array, fresh)) if fresh else ()
        self._arrays.update(zip(fresh, arrays, strict=True))

    def _pieces(self, start, stop):
        """Numbers of the chunks of consecutive rows, and the slice of each of them."""
        while start < stop:
            i = int(np.searchsorted(self._stops, start, side="right"))
            first, end = int(self._stops[i]) - self._X.chunks[0][i], int(self._stops[i])
            yield i, slice(start - first, min(stop, end) - first)
            start = end

    def _array(self, i):
        """Array of one chunk."""
        if i not in self._arrays:
            X = self._X
            if self._graph is None:
                self._graph = ensure_dict(X.dask)
            key, name = (X.name, i, *[0] * (X.ndim - 1)), f"rows-{i}-{X.name}"
            graph = {(name, *[0] * X.ndim): key, **self._needed(key)}
            lengths = ((X.chunks[0][i],), *X.chunks[1:])
            self._arrays[i] = da.Array(graph, name, lengths, dtype=X.dtype, meta=X._meta)
        return self._arrays[i]

    def _needed(self, key):
        """Tasks of a key and of all that it needs."""
        tasks, waiting = {}, [key]
        while waiting:
            key = waiting.pop()
            if key not in tasks:
                tasks[key] = self._graph[key]
                waiting.extend(get_dependencies(self._graph, key))
        return tasks
