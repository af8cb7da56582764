"""Clients of clusters, which may be closed when they are needed."""

from __future__ import annotations

import sys
from typing import Any

import dask

from sparsecode._messages import wrong


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
    client = getattr(dask.base.get_scheduler(collections=[X]), "__self__", None)
    if computes and getattr(client, "status", None) == "closed":
        raise ValueError(
            wrong(
                "the client of Dask",
                got="closed",
                expected="an open one, or none",
                remedy="Open another Client, or leave the context of this one.",
            )
        )
