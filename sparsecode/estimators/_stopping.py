"""When a learner stops, what it keeps, and what it says of its progress."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._batches import Batch
from sparsecode.objective import alpha_max, objective
from sparsecode.penalties.base import resolve_penalty

# More samples do not make a held-out objective much more exact.
_MOST_HELD = 10_000


@dataclass
class Patience:
    """Ends learning when an objective has not fallen by a share `tol` for some epochs in a row.

    With `keep_best`, `best` is what had the lowest objective.
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


@dataclass
class HeldOut:
    """Samples that are not learned from, to judge a dictionary by."""

    batch: Batch

    @classmethod
    def split(cls, samples, fraction, rng):
        """Return samples to learn from, and the held-out ones."""
        n_held = min(fraction * len(samples), _MOST_HELD)
        if len(samples) < 2 or n_held < 0.5:
            raise ValueError(
                f"X has {len(samples)} samples, of which validation_fraction={fraction} leaves "
                "none to hold out; expected at least one. Give more samples, or set "
                "early_stopping=False."
            )
        samples, held = samples.split(n_held, rng)
        return samples, cls(held.whole())

    def objective(self, encoder, dictionary, **options):
        """Mean objective of the held-out samples."""
        X, weight, _ = self.batch
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


def warn_of_zeros(X, dictionary, penalty, alpha, *, missing):
    """Warn that all codes were zero, so that nothing could be learned from them."""
    largest, remedy = "", "Lower alpha, to a tenth of alpha_max for example."
    unit = resolve_penalty(penalty, 1.0)
    if unit.convex and unit.alpha > 0:
        most = alpha_max(X, dictionary, unit, missing=missing) / unit.alpha
        largest = f", and alpha_max is {most:.3g}"
        if most == 0:
            remedy = (
                "No alpha helps: X is zero, or has only signs that penalty and constraint exclude."
            )
    warnings.warn(
        f"Every code is zero: alpha is {alpha:g}{largest}. There is nothing to learn from. "
        + remedy,
        ConvergenceWarning,
        stacklevel=4,
    )
