"""Gain control: norms of atoms adapted until all coefficients have the same variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._parameters import Parameterized
from sparsecode._validation import check_flag, check_number
from sparsecode._values import as_floats

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


class GainStats(NamedTuple):
    """Running variance of each coefficient, and norm of each atom, of shape (n_components,)."""

    variance: np.ndarray
    gain: np.ndarray


@dataclass
class GainControl(Parameterized):
    """Gain control of Olshausen and Field: norms of atoms follow the variance of coefficients.

    After every batch ``variance += rate * (mean(codes**2) - variance)`` and
    ``gain *= (variance / goal)**power``; the norm of an atom is its gain. An atom with coefficients
    of too high variance grows, so that they shrink; an atom with too low variance shrinks. Without
    gain control, atoms would grow without bound, because small coefficients have a low penalty.

    Two additions keep the loop stable where the published rule oscillates or diverges. First, when
    a norm changes by a factor, the running variance is divided by the square of this factor, as the
    variance of the coefficients is. The correction then refers to the present norms, not to those
    of a thousand batches ago. Second, norms stay within `bounds`. Directions without signal cannot
    reach the goal at any norm, and their atoms would grow until they code noise.

    Parameters
    ----------
    goal : float, default=0.1
        Target variance of every coefficient: the image variance of Olshausen and Field.
    rate : float, default=0.001
        Share of a batch in the running variance, at most 1.
    power : float, default=0.02
        Strength of the correction.
    bounds : tuple of two floats, default=(0.95, 1.1)
        Smallest and largest norm. ``(0.0, inf)`` sets no bounds.
    per_sample : bool, default=False
        Whether `rate` is the share of a sample, as published, and a batch of `n` samples has
        ``1 - (1 - rate)**n``.

    References
    ----------
    B. Olshausen and D. Field, "Sparse coding with an overcomplete basis set: a strategy employed
    by V1?", 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.updates import GainControl
    >>> control = GainControl(goal=0.1, rate=0.5, power=0.1)
    >>> stats = control.init(Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    >>> control.update(np.array([1.0, 0.01]), stats).gain.round(3)  # used too much, too little
    array([1.1 , 0.95])
    """

    goal: float = 0.1
    rate: float = 0.001
    power: float = 0.02
    bounds: tuple[float, float] = (0.95, 1.1)
    per_sample: bool = False

    def init(self, dictionary: Dictionary) -> GainStats:
        """Return initial statistics: variances at the goal, and the present norms."""
        self.check()
        gain = np.clip(dictionary.norms.astype(np.float64), *self.bounds)
        return GainStats(np.full(dictionary.n_components, float(self.goal)), gain)

    def update(self, mean_squares: np.ndarray, stats: GainStats, n_samples: float = 1) -> GainStats:
        """Return the statistics after a batch.

        Parameters
        ----------
        mean_squares : ndarray of shape (n_components,)
            Mean squared coefficients.
        stats : GainStats
        n_samples : float, default=1
            Samples of the batch, or the sum of their weights.

        Returns
        -------
        stats : GainStats
        """
        rate = 1 - (1 - self.rate) ** n_samples if self.per_sample else self.rate
        variance = stats.variance + rate * (mean_squares - stats.variance)
        gain = np.clip(stats.gain * (variance / self.goal) ** self.power, *self.bounds)
        # A silent unit must reach its bounds before its variance underflows.
        variance = np.maximum(variance * (stats.gain / gain) ** 2, 1e-12 * self.goal)
        return GainStats(variance, gain)

    def reset(self, stats: Any, atoms: np.ndarray) -> GainStats:
        """Reset replaced atoms to variances at the goal, and to norm 1 or the closest bound."""
        variance, gain = stats.variance.copy(), stats.gain.copy()
        variance[atoms], gain[atoms] = self.goal, np.clip(1.0, *self.bounds)
        return GainStats(variance, gain)

    def check(self, names: Any = ("goal", "rate", "power", "bounds")) -> None:
        """Raise ValueError, with these names, if a parameter is out of its range."""
        for field, name in zip(("goal", "rate", "power"), names, strict=False):
            high = 1 if field == "rate" else None
            check_number(getattr(self, field), name, low=0, low_open=True, high=high)
        check_flag(self.per_sample, "per_sample")
        try:
            low, high = as_floats(self.bounds, names[-1])
        except (TypeError, ValueError):
            low, high = np.nan, np.nan
        if not (0 <= low <= high and high > 0):
            raise ValueError(
                wrong(
                    f"{names[-1]} of GainControl",
                    got=shown(self.bounds),
                    expected="two numbers, 0 <= smallest <= largest",
                    remedy="Use (0.0, inf) for no bounds.",
                )
            )
