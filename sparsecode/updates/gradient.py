"""Gradient step on the atoms, with Olshausen and Field's gain control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sparsecode._validation import check_number
from sparsecode.updates.base import Update
from sparsecode.updates.gain_control import GainControl, GainStats


class GradientStats(NamedTuple):
    """Steps taken so far, and the statistics of the gain control or None."""

    n_steps: int
    gain: GainStats | None


@dataclass
class GradientUpdate(Update):
    """One gradient step a batch: ``atoms += lr * codes.T @ residual / n_samples``.

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
    >>> from sparsecode import Dictionary
    >>> from sparsecode.updates import GradientUpdate
    >>> update = GradientUpdate(lr=0.5)
    >>> dictionary = Dictionary([[1.0, 0.0]])
    >>> dictionary, stats = update.update(
    ...     [[2.0, 1.0]], [[1.0]], dictionary, update.init(dictionary)
    ... )
    >>> dictionary.atoms
    array([[1.5, 0.5]])
    """

    lr: float | Callable[[int], float] = 1.0
    gain_control: GainControl | None = None

    def init(self, dictionary):
        if not callable(self.lr):
            check_number(self.lr, "lr", low=0)
        gain = None if self.gain_control is None else self.gain_control.init(dictionary)
        return GradientStats(0, gain)

    def update(self, X, codes, dictionary, stats):
        lr = self.lr(stats.n_steps) if callable(self.lr) else self.lr
        codes = np.asarray(codes, dtype=dictionary.dtype)
        residual = dictionary.residual(X, codes)
        step = dictionary.dtype.type(lr / len(codes))
        atoms = dictionary.atoms + step * (codes.T @ residual)
        gain = None
        if self.gain_control is not None:
            gain = self.gain_control.update(codes, stats.gain)
            atoms = _with_norms(atoms, gain.gain)
        return dictionary.replace(atoms=atoms), GradientStats(stats.n_steps + 1, gain)


def _with_norms(atoms, norms):
    current = np.linalg.norm(atoms, axis=1)
    scale = norms / np.where(current > 0, current, 1)
    return atoms * scale[:, None].astype(atoms.dtype)
