"""Gradient step on the atoms, with Olshausen and Field's gain control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sparsecode._statistics import products, residual_rows, squares
from sparsecode._typing import Codes
from sparsecode._validation import check_number
from sparsecode._values import check_instance
from sparsecode.updates.base import Update
from sparsecode.updates.gain_control import GainControl, GainStats

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


class GradientStats(NamedTuple):
    """Number of steps, sums over the samples since the last one, and gain control statistics.

    `descent`, of shape (n_components, n_features), is minus the gradient. `squared_codes`, of shape
    (n_components,), is the sum of the squared coefficients. `weight` is the sum of sample weights.
    """

    n_steps: int
    descent: np.ndarray
    squared_codes: np.ndarray
    weight: float
    gain: GainStats | None


@dataclass
class GradientUpdate(Update):
    """One gradient step for each batch: ``atoms += lr * codes.T @ residual / n_samples``.

    Parameters
    ----------
    lr : float or callable, default=1.0
        Learning rate, or a schedule that gives it for a step counted from 0.
    gain_control : GainControl or None, default=None
        Sets the norms of the atoms after the step. None leaves them to the dictionary's
        constraint.

    References
    ----------
    B. Olshausen and D. Field, "Emergence of simple-cell receptive field properties by learning a
    sparse code for natural images", 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.updates import GradientUpdate
    >>> update = GradientUpdate(lr=0.5)
    >>> dictionary = Dictionary([[1.0, 0.0]])
    >>> X, codes = np.array([[2.0, 1.0]]), np.array([[1.0]])
    >>> dictionary, stats = update.update(X, codes, dictionary, update.init(dictionary))
    >>> dictionary.atoms
    array([[1.5, 0.5]])
    """

    lr: float | Callable[[int], float] = 1.0
    gain_control: GainControl | None = None

    def init(self, dictionary: Dictionary) -> Any:
        if not callable(self.lr):
            check_number(self.lr, "lr", low=0)
        check_instance(
            self.gain_control,
            "gain_control",
            (GainControl, type(None)),
            "a GainControl or None",
            "Use GainControl() for the published rule.",
        )
        gain = None if self.gain_control is None else self.gain_control.init(dictionary)
        return _without_samples(GradientStats(0, dictionary.atoms, dictionary.norms, 0.0, gain))

    def gather(
        self,
        X: np.ndarray,
        codes: Codes,
        dictionary: Dictionary,
        stats: Any,
        *,
        sample_weight: np.ndarray | None = None,
        n_jobs: int | None = None,
    ) -> Any:
        residual = residual_rows(X, codes, dictionary, n_jobs=n_jobs)
        descent = products(codes, residual, sample_weight, n_jobs=n_jobs)
        squared_codes = squares(codes, sample_weight)
        weight = len(X) if sample_weight is None else float(np.sum(sample_weight))
        return _with_samples(stats, descent, squared_codes, weight)

    def merge(self, stats: Any, other: Any) -> Any:
        return _with_samples(stats, other.descent, other.squared_codes, other.weight)

    def step(
        self, dictionary: Dictionary, stats: Any, *, n_jobs: int | None = None
    ) -> tuple[Dictionary, Any]:
        if stats.weight == 0:
            return dictionary, stats
        lr = self.lr(stats.n_steps) if callable(self.lr) else self.lr
        atoms = dictionary.atoms + dictionary.dtype.type(lr / stats.weight) * stats.descent
        gain = None
        if self.gain_control is not None:
            gain = self.gain_control.update(
                stats.squared_codes / stats.weight, stats.gain, stats.weight
            )
            atoms = _with_norms(atoms, gain.gain)
        stats = _without_samples(stats._replace(n_steps=stats.n_steps + 1, gain=gain))
        return dictionary.replace(atoms=atoms), stats

    def reset(self, stats: Any, atoms: np.ndarray) -> Any:
        if self.gain_control is None:
            return stats
        return stats._replace(gain=self.gain_control.reset(stats.gain, atoms))


def _with_samples(stats, descent, squared_codes, weight):
    return stats._replace(
        descent=stats.descent + descent,
        squared_codes=stats.squared_codes + squared_codes,
        weight=stats.weight + weight,
    )


def _without_samples(stats):
    return stats._replace(
        descent=np.zeros_like(stats.descent),
        squared_codes=np.zeros(len(stats.squared_codes)),
        weight=0.0,
    )


def _with_norms(atoms, norms):
    current = np.linalg.norm(atoms, axis=1)
    scale = norms / np.where(current > 0, current, 1)
    return atoms * scale[:, None].astype(atoms.dtype)
