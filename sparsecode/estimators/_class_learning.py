"""Learning of classifiers: their common parameters, and a loop that keeps the best state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from sparsecode._validation import check_integer, check_n_jobs, check_number
from sparsecode.estimators._class_atoms import check_class_atoms

# Beside larger weights, samples of norm 1 count nothing.
_LARGEST = 1e6


def check_learning(estimator: Any) -> None:
    """Raise if a parameter that all classifiers with iterations have is wrong."""
    check_class_atoms(estimator)
    check_integer(estimator.n_epochs, "n_epochs")
    check_number(estimator.tol, "tol", low=0)
    check_n_jobs(estimator.n_jobs)


def check_weight(value: Any, name: str, *, may_be_zero: bool = False) -> float:
    """Return a weight beside samples of norm 1."""
    return check_number(value, name, low=0, low_open=not may_be_zero, high=_LARGEST)


def started(states: Iterator[tuple[Any, float]]) -> Iterable[tuple[Any, float]]:
    """States, the first of which is there, so that an estimator can keep one from now on."""
    return chain([next(states)], states)


def keep_best(
    estimator: Any, states: Iterable[tuple[Any, float]], keep: Callable[[Any], None]
) -> None:
    """Run iterations until one lowers the objective by less than `tol`; keep the best state.

    Whatever ends the iterations, an interrupt too, `history_` and `n_iter_` are set.

    Parameters
    ----------
    estimator : estimator with `tol`
    states : iterable of (state, objective)
        The state before the first iteration, and after each, from `started`.
    keep : callable
        Sets the fitted attributes from a state.
    """
    costs, best = [], None
    try:
        for state, objective in states:
            if objective <= min(costs, default=np.inf):
                best = state
            costs.append(float(objective))
            if len(costs) > 1 and costs[-2] - costs[-1] <= estimator.tol * costs[-2]:
                break
    finally:
        if best is not None:
            keep(best)
            estimator.history_, estimator.n_iter_ = {"objective": costs}, len(costs) - 1
