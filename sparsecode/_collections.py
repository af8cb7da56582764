"""Dask collections: the one seam with functions of arrays in memory."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from sparsecode._extras import require
from sparsecode._messages import wrong

# Number of parts that `sparsecode.distributed.data_parallel` divides a batch into.
PARTS: ContextVar[int | None] = ContextVar("parts", default=None)

Method = TypeVar("Method", bound=Callable[..., Any])


def is_collection(X):
    """Whether `X` is a Dask array, DataFrame or the like; Dask is not imported to know it."""
    return hasattr(X, "__dask_graph__")


def refuse_collection(X, remedy, *, name="X", expected="samples in memory"):
    """Raise TypeError if `X` is a Dask collection, where there is no function for it."""
    if is_collection(X):
        raise TypeError(wrong(name, got="a Dask collection", expected=expected, remedy=remedy))


def in_chunks(name, *args, **kwargs):
    """Call a function of `sparsecode.distributed`, ``module.function``, with a Dask collection."""
    require("dask", "A Dask collection")
    module, _, function = name.partition(".")
    return getattr(importlib.import_module(f"sparsecode.distributed.{module}"), function)(
        *args, **kwargs
    )


def by_chunks(name: str) -> Callable[[Method], Method]:
    """Decorator of a method for samples in memory, which leaves Dask collections to `name`.

    Parameters
    ----------
    name : str
        Function of `sparsecode.distributed`, see `in_chunks`. It gets the arguments of the method,
        the object first, and returns a Dask collection that is not computed yet.
    """

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        def call(self, X, *args, **kwargs):
            if is_collection(X):
                return in_chunks(name, self, X, *args, **kwargs)
            return method(self, X, *args, **kwargs)

        return call  # pyright: ignore[reportReturnType]

    return decorate
