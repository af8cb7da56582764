"""Tasks of a Dask graph that call a method of a fitted estimator, one for each chunk of rows.

The estimator is one task, so that it travels once to each worker.
"""

from __future__ import annotations

import copy
import importlib
import uuid
from dataclasses import dataclass
from typing import Any

import dask
import dask.array as da
import numpy as np
from sklearn.base import BaseEstimator

from sparsecode._collections import is_collection
from sparsecode._parallel import threads_of
from sparsecode.distributed._samples import as_rows, check_aligned, naming

# What a fitted estimator keeps to go on learning, or to show, which coding does not need.
_NOT_FOR_CODING = (
    "_state", "state_", "history_", "_session", "_resolved", "_update", "_replacement", "_run",
    "feature_names_in_",
)  # fmt: skip


def map_rows(estimator, method, X, meta, finish=None, of="rows", **options):
    """Result of a method for each chunk of rows, with the shape and type of `meta`.

    Rows may be signals, with more dimensions; errors call them by `of`.
    """
    # A chunk has its rows of an option that has some, such as initial codes.
    arrays = {name: value for name, value in options.items() if is_collection(value)}
    for name, array in arrays.items():
        check_aligned(X, as_rows(array, name))
    given = {name: value for name, value in options.items() if name not in arrays}
    chunks = X.chunks[0], *((n,) for n in meta.shape[1:])
    return da.map_blocks(
        _apply,
        X,
        *arrays.values(),
        dtype=meta.dtype,
        meta=meta,
        chunks=chunks,
        drop_axis=list(range(meta.ndim, X.ndim)),
        model=one_task(for_coding(estimator)),
        method=method,
        names=tuple(arrays),
        options=given,
        like=(type(meta), meta.shape[1:], meta.dtype),
        finish=finish,
        of=of,
        name=f"{method}-{dask.base.tokenize(estimator, X, method, options)}",
    )


def _apply(X, *arrays, model, method, names, options, like, finish, of, block_id=None):
    """Call a method for a chunk of rows, on the thread that runs its task."""
    make, shape, dtype = like
    if X.shape[0] == 0:
        return (np.empty if make is np.ndarray else make)((0, *shape), dtype=dtype)
    options = options | dict(zip(names, arrays, strict=True))
    result = call_method(model, method, X, f"Chunk {block_id[0]} of the {of}", **options)
    return result if finish is None else finish(result)


def call_method(model, method, X, rows, **options):
    """Result of a method of a packed model for some rows, on this thread; errors name them."""
    with naming(rows), threads_of(1):
        return getattr(model.value, method)(in_place(X), **options)


def for_coding(estimator):
    """Copy of a fitted estimator as it is now, without what it keeps for further learning."""
    model = copy.copy(estimator)
    for name in _NOT_FOR_CODING:
        vars(model).pop(name, None)
    if hasattr(model, "n_jobs"):
        # As many chunks at a time as the pool or the worker has threads.
        model.n_jobs = 1
    if isinstance(getattr(model, "estimator_", None), BaseEstimator):
        model.estimator_ = for_coding(model.estimator_)
    return model


@dataclass(frozen=True, eq=False)
class Packed:
    """Value that travels in one piece, so that its arrays begin where the processor wants them.

    Dask sends arrays apart, and they may then begin at any byte. Products with those are rounded
    in another way, and kernels would be compiled again for them.
    """

    value: Any

    def __reduce__(self) -> Any:
        # Later protocols leave arrays out of the piece.
        return _unpacked, (_serializer().dumps(self.value, protocol=4),)


def _unpacked(data):
    return Packed(_serializer().loads(data))


def _serializer():
    """The functions with which Dask serialises what it sends to workers."""
    return importlib.import_module("distributed.protocol.pickle")


def in_place(block):
    """Samples of a chunk that begin where the processor wants them; a sparse matrix as it is."""
    return np.require(block, requirements="A") if isinstance(block, np.ndarray) else block


def one_task(value):
    """Task with this value, `Packed`, for all chunks."""
    name = f"model-{uuid.uuid4().hex}"
    return dask.delayed(Packed(value), name=name, traverse=False)
