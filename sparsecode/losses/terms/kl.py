"""Kullback-Leibler term: a target for the mean activation of each unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from sparsecode._messages import wrong
from sparsecode._validation import check_number
from sparsecode.losses.terms._entries import column_totals, map_entries
from sparsecode.losses.terms.base import Term, TermResult

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext

# Smallest distance of mean activations from 0 and 1, where the divergence is infinite.
_CLOSEST = 1e-6


@dataclass
class KLDivergence(Term):
    """Kullback-Leibler divergence of the mean activation of units from a target.

    The term is ``sum_j rho log(rho / m_j) + (1 - rho) log((1 - rho) / (1 - m_j))``. Here `m_j` is
    the mean of the codes of unit `j` over the batch or, with `momentum`, its running average. Means
    are clipped to a distance of 1e-6 from 0 and 1, where the sum would be infinite, also in the
    gradient. Codes must be in [0, 1], such as those of a sigmoid. The history contains the mean
    over the units, ``"mean_activation"``.

    Parameters
    ----------
    rho : float, default=0.05
        Target of the mean activation, between 0 and 1.
    weight : float or callable, default=1.0
        Multiple of the sum, or a schedule that gives it for a step.
    momentum : float, default=0.0
        Share of the running average that each step keeps, below 1. 0 uses the mean of the batch
        alone. The average starts at the target. A batch has a share of ``1 - momentum`` in the
        average, and gradients are smaller by this factor.

    Raises
    ------
    ValueError
        If `rho` is not inside (0, 1), `momentum` not inside [0, 1), or a code outside [0, 1]; in
        training also if the encoder can give such codes.

    References
    ----------
    A. Ng, "Sparse autoencoder", CS294A lecture notes, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import AutoencoderLoss, KLDivergence
    >>> loss = AutoencoderLoss([KLDivergence(rho=0.2, weight=3.0)])
    >>> result = loss.evaluate(np.ones((2, 1)), Dictionary([[1.0]]), np.array([[0.0], [0.4]]))
    >>> round(result.terms["kldivergence"], 12), result.reports
    (0.0, {'mean_activation': 0.2})
    """

    rho: float = 0.05
    weight: float | Callable[[int], float] = 1.0
    momentum: float = 0.0

    @property
    def is_constant(self) -> bool:
        """Whether the term is the same function at every step: it has no running average."""
        return super().is_constant and not self.momentum

    def check_encoder(self, encoder: Any) -> None:
        low, high = encoder.bounds
        if low < 0 or high > 1:
            raise _not_activations(f"an encoder with codes from {low} to {high}, {encoder}")

    def init(self, dictionary: Dictionary) -> dict[str, np.ndarray]:
        self._check()
        return {"mean": np.full(dictionary.n_components, self.rho)} if self.momentum else {}

    def evaluate(
        self,
        codes: np.ndarray,
        dcodes: np.ndarray,
        dictionary: Dictionary,
        share: np.ndarray | float,
        context: LossContext,
        *,
        dictionary_grads: bool = False,
    ) -> TermResult:
        self._check()
        weight, rho, fresh = self.weight_at(context.step), self.rho, 1.0
        _check_codes(codes)
        mean = column_totals(lambda entries: entries.values * entries.shares, codes, share)
        if self.momentum:
            fresh, kept = 1 - self.momentum, context.memory.get("mean", rho)
            mean = fresh * mean + self.momentum * kept
            if context.training:
                context.memory["mean"][:] = mean
        self._report(context, mean)
        m = np.clip(mean, _CLOSEST, 1 - _CLOSEST)
        divergences = rho * np.log(rho / m) + (1 - rho) * np.log((1 - rho) / (1 - m))
        grad_codes = weight * fresh * ((1 - rho) / (1 - m) - rho / m)
        grad_codes = grad_codes.astype(codes.dtype)

        def add(entries):
            entries.grad_codes[...] += entries.shares * grad_codes[entries.columns]

        map_entries(add, codes, dcodes, share)
        return weight * float(divergences.sum()), {}, {}

    def _report(self, context, mean):
        if isinstance(context.reports, dict):
            context.reports["mean_activation"] = float(mean.mean())

    def _check(self):
        if not (check_number(self.rho, "rho", low=0, low_open=True) < 1):
            raise ValueError(
                wrong(
                    "rho",
                    got=self.rho,
                    expected="a number above 0 and below 1",
                    remedy="Choose the mean activation of a unit, such as 0.05.",
                )
            )
        if not (check_number(self.momentum, "momentum", low=0) < 1):
            raise ValueError(
                wrong(
                    "momentum",
                    got=self.momentum,
                    expected="at least 0 and below 1",
                    remedy="Choose for example 0.99, or 0 for the mean of each batch.",
                )
            )


def _check_codes(codes):
    values = codes.data if sparse.issparse(codes) else codes
    low, high = values.min(initial=0), values.max(initial=0)
    if low < 0 or high > 1:
        raise _not_activations(f"codes from {low:.4g} to {high:.4g}")


def _not_activations(got):
    return ValueError(
        f"KLDivergence got {got}; expected activations in [0, 1], as a mean activation is compared "
        "with a probability. Use an encoder with bounded codes, such as Sigmoid, or another term, "
        "such as a penalty."
    )
