"""Learning from samples in chunks: each chunk is coded and summed up by one task."""

from __future__ import annotations

import functools
import uuid
from dataclasses import replace
from typing import Any

import dask
from dask.delayed import Delayed

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode._parallel import threads_of
from sparsecode._validation import check_rows
from sparsecode.distributed._clients import computed
from sparsecode.distributed._samples import naming
from sparsecode.distributed._sums import add_up, pieces_of
from sparsecode.distributed._tasks import Packed, in_place


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
    model = Packed((replace(learner, n_jobs=1), dictionary))
    total = functools.partial(_total, batch)
    return learner.merge(known, computed(total, model, dictionary.atoms.nbytes, batch.X))


def _total(batch, model):
    """Sums over a batch, added up by a graph of tasks."""
    name, keys = uuid.uuid4().hex, []
    graph, pieces = pieces_of(batch.X)
    graph[work := f"model-{name}"] = model
    for source, cut, rows, number in pieces:
        weight = None if batch.sample_weight is None else batch.sample_weight[rows]
        keys.append((f"code-{name}", len(keys)))
        graph[keys[-1]] = (_gathered, work, source, cut, weight, number)
    total = Delayed(add_up(graph, keys, name, _added, work), graph)
    (total,) = dask.compute(total)
    return total.value


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
