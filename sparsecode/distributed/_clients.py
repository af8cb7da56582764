"""Clients of clusters, which may be closed when they are needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import dask

from sparsecode._messages import wrong

# Bytes of a value that is not put into a graph.
_LARGE = 2**20


def check_open(X: Any, name: str, *, computes: bool) -> None:
    """Raise ValueError if chunks of a Dask collection are lost, or the client is closed.

    Parameters
    ----------
    X : dask collection
    name : str
        What the error calls it.
    computes : bool
        Whether the client of this thread is needed now.
    """
    if "distributed" not in sys.modules:
        # There is no client.
        return
    from distributed import futures_of

    if any(future.cancelled() for future in futures_of(X)):
        raise ValueError(
            wrong(
                name,
                got="a Dask collection that was persisted by a client that is closed",
                expected="chunks that can still be computed",
                remedy=f"Open a Client, and persist {name} again.",
            )
        )
    if computes and getattr(client_of(X), "status", None) == "closed":
        raise ValueError(
            wrong(
                "the client of Dask",
                got="closed",
                expected="an open one, or none",
                remedy="Open another Client, or leave the context of this one.",
            )
        )


def computed(compute: Callable[[Any], Any], value: Any, n_bytes: int, X: Any) -> Any:
    """Result of a function that computes a graph with a value, or with a future of a large one.

    Workers fetch it from each other. In a graph the scheduler unpacks it and packs it again, for
    twice the seconds of its processor.

    Parameters
    ----------
    compute : callable
    value : object
    n_bytes : int
        About its size.
    X : dask collection
        It is computed by the same client.
    """
    client = client_of(X)
    if n_bytes < _LARGE or not hasattr(client, "scatter"):
        return compute(value)
    from distributed import CancelledError

    try:
        future = client.scatter(value, hash=False)
    except TimeoutError:
        # There is no worker yet.
        return _within_graph(compute, value)
    try:
        return compute(future)
    except CancelledError:
        # The workers that held it were killed. A part of a graph is not lost with them.
        return _within_graph(compute, value)


def _within_graph(compute, value):
    """Result with a large value in the graph, of which Dask would warn."""
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        return compute(value)


def client_of(X: Any) -> Any:
    """Client of a cluster that computes a Dask collection in this thread, or None."""
    return getattr(dask.base.get_scheduler(collections=[X]), "__self__", None)
