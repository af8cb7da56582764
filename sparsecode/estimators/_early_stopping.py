"""Early stopping of dictionary learning, and its printed lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsecode.objective import objective


@dataclass
class Patience:
    """Early stopping: the objective has not decreased by a share `tol` for `patience` epochs.

    With `keep_best`, `best` is the candidate with the lowest objective.
    """

    tol: float
    n_epochs: int
    keep_best: bool = False
    best: object = None
    lowest: float = np.inf
    _bar: float = np.inf
    _waited: int = 0

    def is_over(self, value, candidate):
        """Whether to stop after an epoch that ended with `candidate` and this objective."""
        if self.keep_best and (value < self.lowest or self.best is None):
            self.best, self.lowest = candidate, value
        if value < self._bar - self.tol * abs(self._bar) or not np.isfinite(self._bar):
            self._bar, self._waited = value, 0
        else:
            self._waited += 1
        return self.tol > 0 and self._waited >= self.n_epochs


def held_out_objective(held, encoder, dictionary, **options):
    """Mean objective of samples that are not learned from."""
    X, weight, _ = held
    codes = encoder.encode(X, dictionary, **options)
    values = objective(X, codes, dictionary, encoder.penalty, **options)
    return float(np.average(values, weights=weight))


def print_epoch(number, value, history):
    """Print a line about an epoch that ended with this objective."""
    what = "held-out objective" if "validation" in history else "objective"
    print(
        f"epoch {number}: {what} {value:.6g}, l0 {history['l0'][-1]:.1f}, dead atoms "
        f"{history['dead_atoms'][-1]:.0f}, {history['seconds'][-1]:.2f} s",
        flush=True,
    )
