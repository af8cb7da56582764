"""Counts of active units, for encoders with straight-through gradients of thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy import sparse

from sparsecode._batches import weighted_mean
from sparsecode._validation import check_number
from sparsecode.losses.terms.base import Term, TermResult, entry_shares

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext


class _Count(Term):
    """Base of terms that depend on the mean number of active units."""

    needs: ClassVar[tuple[str, ...]] = ("active",)

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
        active, weight = context.signals["active"], self.weight_at(context.step)
        value, slope = self._cost(weighted_mean(active.sum(axis=1), share), weight)
        each = np.asarray(entry_shares(active, share) * slope, dtype=active.dtype)
        if not sparse.issparse(active):
            return value, {}, {"active": np.broadcast_to(each, active.shape)}
        grad_codes = np.broadcast_to(each, active.data.shape)
        dactive = sparse.csr_array((grad_codes, active.indices, active.indptr), shape=active.shape)
        return value, {}, {"active": dactive}

    def _cost(self, l0, weight):
        """The term and its derivative, for a mean number of active units."""
        raise TypeError(f"{type(self).__name__} must define _cost.")


# Distances from it are squared.
_LEAST_TARGET = 1e-100


@dataclass
class ActiveUnits(_Count):
    """l0 term: mean number of active units, ``weight * l0``, for `JumpReLU`.

    It does not shrink codes. The count has no derivative, so the encoder estimates a gradient in
    the thresholds. This gradient is 0 if all units are far from their thresholds. See
    `TargetActiveUnits` for a given number of active units.

    Parameters
    ----------
    weight : float or callable, default=1.0
        Cost of an active unit, in units of the objective, or a schedule that gives it for a step.

    References
    ----------
    S. Rajamanoharan et al., "Jumping ahead: improving reconstruction fidelity with JumpReLU sparse
    autoencoders", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import JumpReLU
    >>> from sparsecode.losses import ActiveUnits, AutoencoderLoss, LossContext
    >>> dictionary, X = Dictionary(np.eye(2)), np.array([[2.0, 0.0]])
    >>> encoder, loss = JumpReLU(), AutoencoderLoss([ActiveUnits(0.5)])
    >>> codes, cache = encoder.forward(
    ...     encoder.init(dictionary), X, dictionary, signals=loss.needs
    ... )
    >>> loss.evaluate(X, dictionary, codes, context=LossContext(signals=cache.signals)).terms
    {'fit': 0.0, 'activeunits': 0.5}
    """

    weight: float | Callable[[int], float] = 1.0

    makes_sparse: ClassVar[bool] = True
    is_mean: ClassVar[bool] = True

    def _cost(self, l0, weight):
        return weight * l0, weight


@dataclass
class TargetActiveUnits(_Count):
    """Target for the mean number of active units: squared relative distance, for `JumpReLU`.

    The term is ``weight * (l0 / target - 1)^2``. It sets the sparsity directly, without a search
    for a weight. Its gradient grows with the distance, while that of `ActiveUnits` is constant. A
    step changes the logarithms of thresholds by about a learning rate, so that distant thresholds
    take many steps. Autoencoders with a ``target_l0`` use this term too, and start with thresholds
    near the target.

    Parameters
    ----------
    target : float, default=32
        Mean number of active units of a sample, above 0.
    weight : float or callable, default=1.0
        Weight in units of the objective, or a schedule that gives it for a step. If it is not well
        above the reconstruction error, this error moves the number away from the target.

    References
    ----------
    S. Rajamanoharan et al., "Jumping ahead: improving reconstruction fidelity with JumpReLU sparse
    autoencoders", 2024.

    Examples
    --------
    >>> from sparsecode.losses import AutoencoderLoss, TargetActiveUnits
    >>> AutoencoderLoss([TargetActiveUnits(16)]).needs
    ('active',)
    """

    target: float = 32.0
    weight: float | Callable[[int], float] = 1.0

    def _cost(self, l0, weight):
        target = check_number(self.target, "target of TargetActiveUnits", low=_LEAST_TARGET)
        excess = l0 / target - 1
        return weight * excess**2, 2 * weight * excess / target


@dataclass
class InactiveMargin(Term):
    """Pre-activation loss of inactive units, which prevents dead units, for `JumpReLU`.

    ``weight * mean sum_j max(threshold_j - a_j, 0) ||d_j||``, with the pre-activations `a` and the
    atoms `d`. It gives every inactive unit a small gradient in all its weights, towards its
    threshold.

    Parameters
    ----------
    weight : float or callable, default=3e-6
        Weight in units of the objective, or a schedule that gives it for a step.

    References
    ----------
    T. Conerly et al., "Dictionary learning optimization techniques", Anthropic, 2025.

    Examples
    --------
    >>> from sparsecode.losses import ActiveUnits, AutoencoderLoss, InactiveMargin
    >>> AutoencoderLoss([ActiveUnits(0.1), InactiveMargin()]).needs
    ('active', 'margin')
    """

    weight: float | Callable[[int], float] = 3e-6

    needs: ClassVar[tuple[str, ...]] = ("margin",)
    is_mean: ClassVar[bool] = True

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
        margin, weight = context.signals["margin"], self.weight_at(context.step)
        below, norms = np.maximum(-margin, 0), dictionary.norms.astype(margin.dtype)
        value = weight * weighted_mean(below @ norms, share)
        share = np.asarray(weight * share, dtype=margin.dtype)
        grads = {}
        if dictionary_grads:
            # An atom of norm 0 has no direction to grow in.
            directions = dictionary.atoms / np.where(norms > 0, norms, 1)[:, None]
            total = (below * share).sum(axis=0)
            grads["atoms"] = total[:, None] * directions
        return value, grads, {"margin": (margin < 0) * (-share * norms)}
