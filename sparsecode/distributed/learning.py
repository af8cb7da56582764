"""Learning from samples in chunks: each chunk is coded and summed up by one task."""

from __future__ import annotations

import functools
import uuid
from dataclasses import replace
from typing import Any

import dask
import numpy as np
from dask.core import flatten
from dask.delayed import Delayed

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode._parallel import threads_of
from sparsecode._validation import check_rows
from sparsecode.distributed._samples import naming
from sparsecode.distributed._tasks import Packed, in_place

# Sums that a task adds up. The tree depends on chunks alone, and so do the bits of the sums.
_FAN_IN = 4


def gather(learner: Any, batch: Batch, dictionary: Any, known: Any) -> Any:
    """Code a batch in chunks, and add its sums to what is known of other samples.

    Parameters
    ----------
    learner : learner of `sparsecode.learning`
    batch : Batch
        Its samples are a Dask array.
    dictionary : Dictionary
    known : sums of the learner
    """
    # Refuses an update that cannot add up sums, before anything is coded.
    learner.merge(known, learner.nothing(dictionary))
    X, name, keys, start = batch.X, uuid.uuid4().hex, [], 0
    # Rows of the whole array, for errors.
    numbers = getattr(X, "starts", np.cumsum((0, *X.chunks[0])).tolist())
    # A task cuts its rows from a chunk itself: one more task takes as long as coding few rows.
    whole = slice(None)
    sources = getattr(X, "sources", [(key, whole) for key in flatten(X.__dask_keys__())])
    # One graph made by hand: with small batches, making it of parts takes as long as coding.
    graph = dict(X.__dask_optimize__(X.dask, list(dict.fromkeys(key for key, _ in sources))))
    graph[work := f"model-{name}"] = Packed((replace(learner, n_jobs=1), dictionary))
    for number, (block, cut), length in zip(numbers, sources, X.chunks[0], strict=False):
        rows = slice(start, start + length)
        weight = None if batch.sample_weight is None else batch.sample_weight[rows]
        keys.append((f"code-{name}", len(keys)))
        # A chunk that was persisted is a future, which the optimized graph leaves out.
        source = block if block in graph else X.dask[block]
        graph[keys[-1]] = (_gathered, work, source, cut, weight, number)
        start = rows.stop
    level = 0
    while len(keys) > 1:
        parts = [keys[i : i + _FAN_IN] for i in range(0, len(keys), _FAN_IN)]
        level, keys = level + 1, [(f"add-{name}", level, i) for i in range(len(parts))]
        graph |= {key: (_added, work, part) for key, part in zip(keys, parts, strict=True)}
    (total,) = dask.compute(Delayed(keys[0], graph))
    return learner.merge(known, total.value)


def _gathered(work, chunk, cut, weight, start):
    """Sums over some samples of a chunk."""
    X = chunk[cut]
    learner, dictionary = work.value
    rows = f"Rows {start} to {start + X.shape[0]} of X"
    nothing = learner.nothing(dictionary)
    if X.shape[0] == 0:
        return Packed(nothing)
    with naming(rows), threads_of(1), single_threaded_blas():
        X = check_rows(in_place(X), "X", missing=learner.missing)
        return Packed(learner.gather(Batch(X, weight), dictionary, nothing))


def _added(work, sums):
    """Sums over the samples of all, in their order."""
    learner, _ = work.value
    return Packed(functools.reduce(learner.merge, [part.value for part in sums]))
