"""Counts of active units, for an encoder with thresholds that are trained straight through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from sparsecode._validation import check_number
from sparsecode.losses.base import weighted_mean
from sparsecode.losses.terms.base import Term, entry_shares


class _Count(Term):
    """Base of the terms that are a function of the mean number of active units."""

    needs: ClassVar[tuple[str, ...]] = ("active",)

    def evaluate(self, codes, dcodes, dictionary, share, context, *, dictionary_grads=False):
        active, weight = context.signals["active"], self.weight_at(context.step)
        value, slope = self._cost(weighted_mean(active.sum(axis=1), share), weight)
        each = np.asarray(entry_shares(active, share) * slope, dtype=active.dtype)
        if not sparse.issparse(active):
            return value, {}, {"active": np.broadcast_to(each, active.shape)}
        grad_codes = np.broadcast_to(each, active.data.shape)
        dactive = sparse.csr_array((grad_codes, active.indices, active.indptr), shape=active.shape)
        return value, {}, {"active": dactive}

    def _cost(self, l0, weight):
        """The term and its derivative, of the mean number of active units."""
        raise TypeError(f"{type(self).__name__} must define _cost.")


# Distances from it are squared.
_LEAST_TARGET = 1e-100


@dataclass
class ActiveUnits(_Count):
    """Mean number of active units, ``weight * l0``, for `JumpReLU`.

    A penalty that shrinks nothing. The count has no derivative: the encoder estimates one, in the
    thresholds. Where every unit is far from its threshold it is 0; `TargetActiveUnits` leads to a
    given number.

    Parameters
    ----------
    weight : float or callable, default=1.0
        What a unit costs, in units of the objective, or a schedule that gives it for a step.

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

    def _cost(self, l0, weight):
        return weight * l0, weight


@dataclass
class TargetActiveUnits(_Count):
    """Squared relative distance of the mean number of active units from a target, for `JumpReLU`.

    ``weight * (l0 / target - 1)^2``, so that the sparsity is set and not found by trial of weights;
    its pull grows with the distance, where that of `ActiveUnits` is always the same. The way from
    thresholds far off is long, as a step changes their logarithms by a learning rate: autoencoders
    with a ``target_l0`` have this term too, and start with thresholds near the target.

    Parameters
    ----------
    target : float, default=32
        Active units of a sample, in the mean, above 0.
    weight : float or callable, default=1.0
        In units of the objective, or a schedule that gives it for a step. Unless it is well above
        the error of reconstruction, the error has a say in the number.

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
    """How far inactive units are below their threshold, so that none stays dead, for `JumpReLU`.

    ``weight * mean sum_j max(threshold_j - a_j, 0) ||d_j||``, with the pre-activations `a` and the
    atoms `d`: a small pull on every unit that is not active, in all its weights.

    Parameters
    ----------
    weight : float or callable, default=3e-6
        In units of the objective, or a schedule that gives it for a step.

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

    def evaluate(self, codes, dcodes, dictionary, share, context, *, dictionary_grads=False):
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
