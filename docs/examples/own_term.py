"""A loss term of your own: codes of neighbouring units that differ little cost little.

>>> from sparsecode import Dictionary, SparseAutoencoder
>>> from sparsecode.losses import AutoencoderLoss
>>> from sparsecode.testing import gradcheck
>>> rng = np.random.default_rng(0)
>>> Z, dictionary = rng.standard_normal((5, 4)), Dictionary(np.eye(4))
>>> def evaluate(codes):
...     dcodes = np.zeros_like(codes)
...     value, _, _ = Smooth(0.5).evaluate(codes, dcodes, dictionary, 1 / 5, None)
...     return value, dcodes
>>> def backward(upstream, codes):
...     return (upstream * evaluate(codes)[1],)
>>> gradcheck(lambda codes: evaluate(codes)[0], backward, Z) < 1e-6
True
>>> loss = AutoencoderLoss([Smooth(0.5)])
>>> model = SparseAutoencoder(6, loss=loss, random_state=0).fit(rng.standard_normal((100, 4)))
>>> sorted(model.history_)[:3]
['fit', 'grad_norm', 'loss']
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode.losses import Term


@dataclass
class Smooth(Term):
    """Mean over samples of ``weight / 2 sum_j (z_j - z_(j-1))^2``."""

    weight: float | Callable[[int], float] = 1.0

    # Dense codes are asked for: the gradient is not 0 where codes are.
    takes_sparse: ClassVar[bool] = False

    def evaluate(self, codes, dcodes, dictionary, share, context, *, dictionary_grads=False):
        weight = self.weight_at(0 if context is None else context.step)
        steps = np.diff(codes, axis=1)
        slopes = weight * share * steps
        # Gradients are added to what other terms have put there.
        dcodes[:, 1:] += slopes
        dcodes[:, :-1] -= slopes
        return float(np.sum(slopes * steps) / 2), {}, {}
