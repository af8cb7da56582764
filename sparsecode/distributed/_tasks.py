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
from sparsecode.distributed._samples import as_rows, check_aligned, naming_chunk

# What a fitted estimator keeps to go on learning, or to show, which coding does not need.
_NOT_FOR_CODING = (
    "_state", "state_", "history_", "_session", "_resolved", "_update", "_replacement",
    "feature_names_in_",
)  # fmt: skip


def map_rows(estimator, method, X, meta, finish=None, **options):
    """Result of a method for each chunk of rows, with the shape and type of `meta`."""
    # A chunk has its rows of an option that has some, such as initial codes.
    arrays = {name: value for name, value in options.items() if is_collection(value)}
    for name, array in arrays.items():
        check_aligned(X, as_rows(array, name))
    given = {name: value for name, value in options.items() if name not in arrays}
    by_column = {"chunks": (X.chunks[0], meta.shape[1:])} if meta.ndim == 2 else {"drop_axis": 1}
    return da.map_blocks(
        _apply,
        X,
        *arrays.values(),
        dtype=meta.dtype,
        meta=meta,
        **by_column,
        model=one_task(_for_coding(estimator)),
        method=method,
        names=tuple(arrays),
        options=given,
        like=(type(meta), meta.shape[1:]),
        finish=finish,
        name=f"{method}-{dask.base.tokenize(estimator, X, method, options)}",
    )


def _apply(X, *arrays, model, method, names, options, like, finish, block_id=None):
    """Call a method for a chunk of rows, on the thread that runs its task."""
    make, shape = like
    if X.shape[0] == 0:
        return make((0, *shape), dtype=X.dtype) if make is not np.ndarray else np.empty((0, *shape))
    options = options | dict(zip(names, arrays, strict=True))
    with naming_chunk(block_id), threads_of(1):
        result = getattr(model.value, method)(in_place(X), **options)
    return result if finish is None else finish(result)


def _for_coding(estimator):
    """Copy of a fitted estimator as it is now, without what it keeps for further learning."""
    model = copy.copy(estimator)
    for name in _NOT_FOR_CODING:
        vars(model).pop(name, None)
    if hasattr(model, "n_jobs"):
        # As many chunks at a time as the pool or the worker has threads.
        model.n_jobs = 1
    if isinstance(getattr(model, "estimator_", None), BaseEstimator):
        model.estimator_ = _for_coding(model.estimator_)
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
