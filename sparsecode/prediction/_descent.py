"""Descent on the cost of a task: steps over batches, and the search for the length of the first."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode.optimizers import Optimizer
from sparsecode.prediction._task import DIVERGED, Evaluation, Task

# What is known of an epoch, the first three of them means of its batches.
HISTORY = ("cost", "loss", "l0", "lr", "seconds")
# Change of the atoms by the first step that a search begins with, as a share of their norm.
_SHARE = 0.05
# Ratio of two rates that are tried, and its largest and smallest power.
_RATIO, _MOST, _LEAST = 3.0, 6, -20
# Costs are alike that differ by this part of their decrease; then the smaller rate is safer.
_ALIKE = 0.02
# A rate that raises the cost by this factor is unstable, and the next smaller one may be soon.
_UNSTABLE = 10.0
# Steps with each rate, the most batches that they take in turn, and the steps before it falls. An
# unstable rate shows in these; afterwards a large one, whose steps are noisy, catches up.
TRIAL_STEPS, TRIAL_BATCHES, TRIAL_CONSTANT = 100, 40, 20


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
    task: Task,
    params: dict[str, np.ndarray],
    batches: list[Batch],
    probe: Batch,
    optimizer_of: Callable[[float], Optimizer],
    n_steps: int | None = None,
) -> float:
    """Find a learning rate, by a few steps with each of some rates.

    It is the one after whose steps the cost of `probe` is lowest or, of some that are nearly as
    good, the smallest. Where the next larger rate diverged, the next smaller one is taken.

    Parameters
    ----------
    task : Task
    params : dict of str to ndarray
        Where to start; they do not change.
    batches : list of Batch
        Batches of the steps, taken again where they are too few.
    probe : Batch
        Samples whose cost after the steps decides.
    optimizer_of : callable
        Function of a rate that returns the optimizer.
    n_steps : int or None, default=None
        Number of steps that the optimizer will take; no more are tried.

    Returns
    -------
    rate : float
    """
    start = _evaluated(task, params, probe)
    slope = float(np.linalg.norm(start.grads["atoms"]))
    if not slope > 0:
        return 1.0
    n_steps = TRIAL_STEPS if n_steps is None else min(n_steps, TRIAL_STEPS)
    steps = list(itertools.islice(itertools.cycle(batches), n_steps))
    unit = _SHARE * float(np.linalg.norm(params["atoms"])) / slope

    def cost_after(power):
        return _cost_after(task, params, steps, probe, optimizer_of(unit * _RATIO**power))

    costs = {0: cost_after(0)}
    if costs[0] < start.cost:
        for power in range(1, _MOST + 1):
            costs[power] = cost_after(power)
            if not costs[power] <= min(costs.values()):
                break
    if min(costs, key=costs.get) <= 0:
        for power in range(-1, _LEAST - 1, -1):
            costs[power] = cost_after(power)
            if min(costs.values()) < min(start.cost, costs[power]):
                break
    lowest = min(costs.values())
    bar = lowest + _ALIKE * (start.cost - lowest)
    best = min(power for power in costs if costs[power] <= max(bar, lowest))
    if costs.get(best + 1, start.cost) > _UNSTABLE * start.cost:
        best -= 1
    return unit * _RATIO**best


def _cost_after(task, params, steps, probe, optimizer):
    """Cost of a probe after some steps of an optimizer; infinite if they diverge."""
    params = {name: array.copy() for name, array in params.items()}
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
