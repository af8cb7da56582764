"""Duality gap of convolutional codes, from the residual and its largest correlation."""

from __future__ import annotations

import numpy as np


def primal_and_gap(x, residual, value, excess):
    """Objective of codes of a signal, and its distance from the dual value.

    Parameters
    ----------
    x, residual : ndarray
        The signal and what the codes leave, 0 where entries are missing.
    value : float
        Penalty of the codes.
    excess : float
        Largest correlation of the residual with an atom, over the weight of the atom.
    """
    squared, product = np.vdot(residual, residual), np.vdot(x, residual)
    primal = 0.5 * squared + value
    # The best multiple of the residual that is feasible.
    best = max(product / squared, 0) if squared > 0 else 0.0
    scale = min(best, 1 / excess) if excess > 0 else best
    return primal, max(primal - scale * product + 0.5 * scale * scale * squared, 0.0)
