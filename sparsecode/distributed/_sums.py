"""Sums over the rows of a Dask array: graphs with a task for each chunk, and tasks that add.

Graphs are made by hand: with small batches, making them of parts takes as long as coding.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from dask import threaded
from dask.base import DaskMethodsMixin
from dask.core import flatten

# Sums that a task adds up. The tree depends on chunks alone, and so do the bits of the sums.
_FAN_IN = 4


class Piece(NamedTuple):
    """Rows of a chunk, which a task cuts itself: one more task takes as long as coding few rows.

    Attributes
    ----------
    source : key or Future
        The chunk.
    cut : slice
        Rows in it.
    rows : slice
        Rows in the array.
    first : int
        Number of the first row in the array that this one has rows of, for errors.
    """

    source: Any
    cut: slice
    rows: slice
    first: int


def pieces_of(X: Any) -> tuple[dict[Any, Any], list[Piece]]:
    """Graph of the chunks of a Dask array, and what a task for each of them needs.

    Parameters
    ----------
    X : dask.array.Array or Rows
    """
    numbers = getattr(X, "starts", np.cumsum((0, *X.chunks[0])).tolist())
    whole, start, pieces = slice(None), 0, []
    sources = getattr(X, "sources", [(key, whole) for key in flatten(X.__dask_keys__())])
    graph = dict(X.__dask_optimize__(X.dask, list(dict.fromkeys(key for key, _ in sources))))
    for number, (block, cut), length in zip(numbers, sources, X.chunks[0], strict=False):
        # A chunk that was persisted is a future, which the optimized graph leaves out.
        source = block if block in graph else X.dask[block]
        pieces.append(Piece(source, cut, slice(start, start + length), number))
        start += length
    return graph, pieces


def add_up(graph: dict[Any, Any], keys: list[Any], name: str, add: Any, *arguments: Any) -> Any:
    """Put tasks into a graph that add up the values of some keys; return the key of the sum.

    Parameters
    ----------
    graph : dict
    keys : list of keys
    name : str
        Differs from graph to graph.
    add : callable
        Called with `arguments` and a list of values.
    """
    level = 0
    while len(keys) > 1:
        parts = [keys[i : i + _FAN_IN] for i in range(0, len(keys), _FAN_IN)]
        level, keys = level + 1, [(f"add-{name}", level, i) for i in range(len(parts))]
        graph |= {key: (add, *arguments, part) for key, part in zip(keys, parts, strict=True)}
    return keys[0]


class Tasks(DaskMethodsMixin):
    """Dask collection of the values of some keys, of any kind.

    Persisted, its graph has these values, or futures of them.
    """

    __dask_scheduler__ = staticmethod(threaded.get)

    def __init__(self, graph: dict[Any, Any], keys: list[Any]) -> None:
        self.graph, self.keys = graph, keys

    def some(self, keys: list[Any]) -> Self:
        """Values of some of the keys, after all were persisted."""
        return type(self)({key: self.graph[key] for key in keys}, keys)

    def __dask_graph__(self) -> dict[Any, Any]:
        return self.graph

    def __dask_keys__(self) -> list[Any]:
        return self.keys

    @staticmethod
    def __dask_optimize__(graph: Any, keys: list[Any], **options: Any) -> Any:
        return graph

    def __dask_tokenize__(self) -> Any:
        return tuple(map(str, self.keys))

    def __dask_postcompute__(self) -> Any:
        return list, ()

    def __dask_postpersist__(self) -> Any:
        return _again, (self.keys,)


def _again(graph, keys, *, rename=None):
    return Tasks(dict(graph), [(rename or {}).get(key, key) for key in keys])
