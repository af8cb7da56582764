"""Descent on the cost of a task: steps over batches, and the search for the length of the first."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode.optimizers import SGD, Optimizer
from sparsecode.prediction._task import DIVERGED, Evaluation, Task

# What is known of an epoch, the first three of them means of its batches.
HISTORY = ("cost", "loss", "l0", "lr", "seconds")
# Change of the atoms by the first step that a search begins with, as a share of their norm.
_SHARE = 0.05
# Ratio of two rates that are tried, how many on either side, and the steps of each.
_RATIO, _MOST, TRIAL_STEPS = 3.0, 6, 40
# Part of the largest decrease of the cost that a rate must reach to be chosen.
_ENOUGH = 0.75


def descend(
    task: Task,
    params: dict[str, np.ndarray],
    batches: Iterable[Batch],
    optimizer: Optimizer,
    state: dict[str, np.ndarray],
) -> Iterator[tuple[Evaluation, float]]:
    """Take a step for each batch, and yield its cost before the step and its weight.

    `params` and `state` change in place.

    Raises
    ------
    FloatingPointError
        If the cost is NaN or infinite.
    """
    for batch in batches:
        batch = batch.counted()
        if batch.X.shape[0] == 0:
            continue
        # One BLAS thread, so that rounding does not depend on the number of cores.
        with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
            found = _evaluated(task, params, batch)
            optimizer.update(params, found.grads, state)
            task.project(params)
        yield found, batch.weight


def search_rate(
    task: Task, params: dict[str, np.ndarray], batches: list[Batch], probe: Batch
) -> float:
    """Find a learning rate of plain SGD, by a few steps with each of some rates.

    It is the largest of them that lowers the cost of `probe` about as much as the best one: a
    large rate is lowered later on, a small one never rises.

    Parameters
    ----------
    task : Task
    params : dict of str to ndarray
        Where to start; they do not change.
    batches : list of Batch
        Batches of the steps, taken again where they are too few.
    probe : Batch
        Samples whose cost after the steps decides.

    Returns
    -------
    rate : float
    """
    start = _evaluated(task, params, probe)
    slope = float(np.linalg.norm(start.grads["atoms"]))
    if not slope > 0:
        return 1.0
    unit = _SHARE * float(np.linalg.norm(params["atoms"])) / slope
    costs = {0: _cost_after(task, params, batches, probe, unit)}
    for direction in (1, -1):
        for power in range(direction, direction * (_MOST + 1), direction):
            costs[power] = _cost_after(task, params, batches, probe, unit * _RATIO**power)
            if costs[power] > min(costs.values()):
                break
        if min(costs, key=costs.get) > 0:
            break
    enough = start.cost - _ENOUGH * (start.cost - min(costs.values()))
    chosen = [power for power, cost in costs.items() if cost <= enough]
    return unit * _RATIO ** max(chosen, default=min(costs, key=costs.get))


def _cost_after(task, params, batches, probe, rate):
    """Cost of a probe after some steps with a learning rate; infinite if they diverge."""
    params = {name: array.copy() for name, array in params.items()}
    optimizer = SGD(lr=rate)
    steps = itertools.islice(itertools.cycle(batches), TRIAL_STEPS)
    with warnings.catch_warnings():
        # Codes on the atoms of a rate that is too large may be hard to find.
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            for _ in descend(task, params, steps, optimizer, optimizer.init(params)):
                pass
            with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
                return _evaluated(task, params, probe).cost
        except FloatingPointError:
            return np.inf


def _evaluated(task, params, batch):
    if not all(np.isfinite(array).all() for array in params.values()):
        raise FloatingPointError(DIVERGED)
    found = task.evaluate(params, batch)
    if not np.isfinite(found.cost):
        raise FloatingPointError(DIVERGED)
    return found
