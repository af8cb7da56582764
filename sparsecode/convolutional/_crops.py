"""Crops of signals that a network is trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode._convolution.checks import check_support
from sparsecode._convolution.signals import Signals
from sparsecode._messages import shown, wrong
from sparsecode.convolutional._layers import Signal


class Crops(NamedTuple):
    """Parts of signals of one size, or whole signals if `sizes` is None."""

    signals: Signals
    sizes: tuple[int, int] | None

    @classmethod
    def of(cls, signals, crop, dictionary):
        """Crops of a size that is checked: it holds an atom, and every signal holds it."""
        if crop is None:
            return cls(signals, None)
        crop = check_support(crop, "crop")
        smallest = np.min([x.shape[1:] for x in signals.arrays], axis=0).tolist()
        bounds = zip(crop, dictionary.support, smallest, strict=False)
        if len(crop) != dictionary.n_dims or any(not low <= n <= high for n, low, high in bounds):
            most = tuple(smallest[: dictionary.n_dims])
            raise ValueError(
                wrong(
                    "crop",
                    got=shown(crop),
                    expected=f"{dictionary.n_dims} sizes, from {shown(dictionary.support)} of an "
                    f"atom to {shown(most)} of the smallest signal",
                    remedy="Give a size between them, or None.",
                )
            )
        return cls(signals, (*crop, 1)[:2])

    def draw(self, n, rng):
        """Draw some crops, each place as likely as any other, or as many whole signals, if any."""
        if self.sizes is None:
            return [self._whole(i) for i in rng.permutation(self.signals.n_signals)[:n]]
        places = np.array(
            [np.prod(np.subtract(x.shape[1:], self.sizes) + 1) for x in self.signals.arrays]
        )
        chosen = rng.choice(len(places), size=n, p=places / places.sum())
        return [self._part(self._whole(i), rng) for i in chosen]

    def _whole(self, i):
        return Signal(self.signals.arrays[i], self.signals.observed[i])

    def _part(self, signal, rng):
        top, left = (
            rng.randint(n - m + 1) for n, m in zip(signal.x.shape[1:], self.sizes, strict=True)
        )
        where = slice(None), slice(top, top + self.sizes[0]), slice(left, left + self.sizes[1])
        mask = signal.observed
        return Signal(signal.x[where], None if mask is None else mask[where])
