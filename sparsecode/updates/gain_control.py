"""Gain control: norms of atoms adapted until all coefficients have the same variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sparsecode._validation import check_number


class GainStats(NamedTuple):
    """Running variance of each coefficient, and norm of each atom, of shape (n_components,)."""

    variance: np.ndarray
    gain: np.ndarray


@dataclass
class GainControl:
    """Variance-driven gain control of Olshausen and Field.

    After every batch ``variance += rate * (mean(codes**2) - variance)`` and ``gain *= (variance /
    goal)**power``; the norm of an atom is its gain. An atom used too much grows, so that its
    coefficients shrink, and the other way round; without it the atoms would grow without bound to
    make coefficients cheap.

    Parameters
    ----------
    goal : float, default=0.1
        Variance wanted of every coefficient, the image variance of Olshausen and Field.
    rate : float, default=0.001
        Share of a batch in the running variance.
    power : float, default=0.02
        Strength of the correction.

    References
    ----------
    B. Olshausen and D. Field, "Sparse coding with an overcomplete basis set: a strategy employed
    by V1?", 1997.
    """

    goal: float = 0.1
    rate: float = 0.001
    power: float = 0.02

    def init(self, dictionary):
        """Statistics to start from: the goal reached, and the norms as they are."""
        for name in ("goal", "rate", "power"):
            check_number(getattr(self, name), name, low=0, low_open=True)
        variance = np.full(dictionary.n_components, float(self.goal))
        return GainStats(variance, dictionary.norms.astype(np.float64))

    def update(self, codes, stats):
        """Statistics after a batch of codes, shape (n_samples, n_components)."""
        batch = np.einsum("ij,ij->j", codes, codes, dtype=np.float64) / len(codes)
        variance = stats.variance + self.rate * (batch - stats.variance)
        # A unit that is silent for long must not lose its atom to underflow.
        ratio = np.clip(variance / self.goal, 1e-6, 1e6)
        return GainStats(variance, stats.gain * ratio**self.power)
