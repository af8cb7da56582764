"""Gradients of a batch in parts: computed by tasks, and added in a tree."""

from __future__ import annotations

from typing import Any, NamedTuple

import dask
import numpy as np
from scipy import sparse

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode._collections import is_collection
from sparsecode._factored_gradients import RowGradient
from sparsecode._parallel import threads_of
from sparsecode.distributed._tasks import one_task
from sparsecode.losses.base import LossResult
from sparsecode.training.batch_loss import BatchLoss

# Sums that a task adds up; the tree depends on the parts alone, and so do the bits of the sums.
_FAN_IN = 4


class Point(NamedTuple):
    """Parameters at which gradients are computed; see `LiveParameters`."""

    params: dict[str, np.ndarray]
    memory: dict[str, np.ndarray]
    given: Any

    def dictionary(self) -> Any:
        """The dictionary."""
        return self.given


class Rows(NamedTuple):
    """Rows of a gradient that are not 0.

    Attributes
    ----------
    numbers : ndarray of int of shape (n_rows,)
        In ascending order.
    values : ndarray of shape (n_rows, n_features)
    n_components : int
        Number of all rows.
    """

    numbers: np.ndarray
    values: np.ndarray
    n_components: int

    def dense(self) -> np.ndarray:
        """The gradient as an array of shape (n_components, n_features)."""
        out = np.zeros((self.n_components, self.values.shape[1]), dtype=self.values.dtype)
        out[self.numbers] = self.values
        return out

    def factored(self) -> RowGradient:
        """The gradient as a `RowGradient`."""
        starts = np.arange(len(self.numbers) + 1, dtype=np.int32)
        ones = np.ones(len(self.numbers), dtype=self.values.dtype)
        shape = len(self.numbers), self.n_components
        return RowGradient((sparse.csr_array((ones, self.numbers, starts), shape), self.values))


def of_parts(
    batch_loss: BatchLoss, n_parts: int, live: Any, batch: Batch, *where: Any
) -> tuple[LossResult, dict[str, Any]]:
    """Loss of a batch, and its gradients, from the gradients of its parts.

    Parameters
    ----------
    batch_loss : BatchLoss
    n_parts : int
        Number of parts of the batch, of consecutive rows.
    live : LiveParameters
    batch : Batch
        In memory, or samples and targets in Dask arrays.
    *where : tuple
        Layers, epochs, steps and seed, as `BatchLoss.of_batch` takes them.

    Returns
    -------
    result : LossResult
        Without gradients in the codes.
    grads : dict of str to ndarray or RowGradient
    """
    point = Point(live.params, live.memory, live.dictionary())
    task = one_task((batch_loss.alone(), point, where))
    compute, add = dask.delayed(_gradients), dask.delayed(_added)
    sums = [compute(task, *part) for part in _parts(batch, n_parts)]
    while len(sums) > 1:
        sums = [add(sums[i : i + _FAN_IN]) for i in range(0, len(sums), _FAN_IN)]
    # The parameters are in the graph, so that they survive the loss of a worker.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        ((values, grads),) = dask.compute(*sums)
    reports, terms = values["reports"], values["terms"]
    result = LossResult(values["loss"]["value"], terms, np.empty((0, 0)), {}, reports=reports)
    return result, {
        name: grad.factored() if isinstance(grad, Rows) else np.asarray(grad)
        for name, grad in grads.items()
    }


def in_memory(batch: Batch) -> Batch:
    """The batch with samples and targets in memory."""
    X, target = dask.compute(batch.X, batch.target)
    return Batch(X, batch.sample_weight, target)


def _parts(batch, n_parts):
    """Samples, weights, targets and share of each part that has some weight."""
    n_rows, total = batch.X.shape[0], batch.weight
    size = -(-n_rows // n_parts)
    X, target = (_blocks(array, size) for array in (batch.X, batch.target))
    for i, start in enumerate(range(0, n_rows, size)):
        weight = batch.sample_weight
        weight = None if weight is None else weight[start : start + size]
        share = (min(size, n_rows - start) if weight is None else weight.sum()) / total
        if share > 0:
            yield X[i], weight, target and target[i], float(share)


def _blocks(array, size):
    """Blocks of rows, of a Dask array as tasks; None if there is no array."""
    if array is None:
        return None
    if is_collection(array):
        return array.rechunk({0: size}).to_delayed()[:, 0].tolist()
    return [array[start : start + size] for start in range(0, array.shape[0], size)]


def _gradients(task, X, weight, target, share):
    """Values and gradients of a part, times its share in the batch."""
    batch_loss, point, where = task.value
    with threads_of(1), single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
        # Of its own, because tasks on other threads would share its memory of gradients.
        batch_loss = batch_loss.alone()
        result, grads, _ = batch_loss.of_batch(point, Batch(X, weight, target), *where)
        values = {
            "loss": {"value": result.value * share},
            "terms": {name: value * share for name, value in result.terms.items()},
            "reports": {name: value * share for name, value in result.reports.items()},
        }
        return values, {name: _portable(grad, share) for name, grad in grads.items()}


def _portable(grad, share):
    """Gradient times a number: an array, or the rows that are not 0."""
    if not isinstance(grad, RowGradient):
        return np.asarray(grad) * grad.dtype.type(share)
    grad *= share
    if not all(sparse.issparse(codes) for codes, _, _ in grad.products):
        return grad.dense()
    used = np.zeros(grad.shape[0], dtype=bool)
    for codes, _, part in grad.products:
        used[part] |= np.diff(codes.indptr)[part] > 0
    numbers = np.flatnonzero(used)
    if 2 * len(numbers) > len(used):
        return grad.dense()
    values = np.empty((len(numbers), grad.shape[1]), dtype=grad.dtype)

    def copy(rows, block):
        first, last = np.searchsorted(numbers, (rows.start, rows.stop))
        values[first:last] = block[numbers[first:last] - rows.start]

    grad.each_block(copy, n_jobs=1)
    return Rows(numbers, values, len(used))


def _added(parts):
    """Sum of all, in their order."""
    values, grads = parts[0]
    values = {name: dict(entries) for name, entries in values.items()}
    for others, more in parts[1:]:
        for name, entries in others.items():
            for key, value in entries.items():
                values[name][key] = values[name].get(key, 0.0) + value
        grads = grads | {
            name: _sum(grads[name], grad) if name in grads else grad for name, grad in more.items()
        }
    return values, grads


def _sum(first, second):
    if not (isinstance(first, Rows) and isinstance(second, Rows)):
        return _dense(first) + _dense(second)
    numbers = np.union1d(first.numbers, second.numbers)
    if 2 * len(numbers) > first.n_components:
        return first.dense() + second.dense()
    values = np.zeros((len(numbers), first.values.shape[1]), dtype=first.values.dtype)
    for rows in (first, second):
        values[np.searchsorted(numbers, rows.numbers)] += rows.values
    return Rows(numbers, values, first.n_components)


def _dense(grad):
    return grad.dense() if isinstance(grad, Rows) else grad
