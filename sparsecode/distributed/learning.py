"""Learning from samples in chunks: each chunk is coded and summed up by one task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dask

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode._parallel import threads_of
from sparsecode._validation import check_rows
from sparsecode.distributed._samples import naming
from sparsecode.distributed._tasks import one_task

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
    task = one_task((replace(learner, n_jobs=1), dictionary))
    add, code = dask.delayed(_added), dask.delayed(_gathered)
    sums, start = [], 0
    for block, length in zip(batch.X.to_delayed()[:, 0], batch.X.chunks[0], strict=True):
        rows = slice(start, start + length)
        weight = None if batch.sample_weight is None else batch.sample_weight[rows]
        sums.append(code(task, block, weight, rows.start))
        start = rows.stop
    while len(sums) > 1:
        sums = [add(task, sums[i : i + _FAN_IN]) for i in range(0, len(sums), _FAN_IN)]
    (total,) = dask.compute(*sums)
    return learner.merge(known, total)


def _gathered(task, X, weight, start):
    """Sums over the samples of a chunk."""
    learner, dictionary = task
    rows = f"Rows {start} to {start + X.shape[0]} of the batch"
    nothing = learner.nothing(dictionary)
    if X.shape[0] == 0:
        return nothing
    with naming(rows), threads_of(1), single_threaded_blas():
        X = check_rows(X, "X", missing=learner.missing)
        return learner.gather(Batch(X, weight), dictionary, nothing)


def _added(task, sums):
    """Sums over the samples of all, in their order."""
    learner, _ = task
    total = sums[0]
    for other in sums[1:]:
        total = learner.merge(total, other)
    return total
