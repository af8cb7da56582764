"""Terms that train the gate of the gated encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode._batches import weighted_mean
from sparsecode.losses._reconstruction import reconstruct
from sparsecode.losses.terms.base import Term, TermResult

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext


@dataclass
class GateSparsity(Term):
    """Gate sparsity: l1 penalty of the rectified gate, ``weight * mean sum max(gate, 0)``.

    It is a term for the `Gated` encoder. The codes have separate magnitudes, which are not
    penalised and do not shrink.

    Parameters
    ----------
    weight : float or callable, default=1.0
        Weight in units of the data, like `alpha` of an l1 penalty, or a schedule that gives it for
        a step.

    References
    ----------
    S. Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders", 2024.

    Examples
    --------
    >>> from sparsecode.losses import AutoencoderLoss, GateReconstruction, GateSparsity
    >>> AutoencoderLoss([GateSparsity(0.1), GateReconstruction()]).needs
    ('gate',)
    """

    weight: float | Callable[[int], float] = 1.0

    needs: ClassVar[tuple[str, ...]] = ("gate",)
    makes_sparse: ClassVar[bool] = True
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
        gate, weight = context.signals["gate"], self.weight_at(context.step)
        value = weight * weighted_mean(np.maximum(gate, 0).sum(axis=1), share)
        return value, {}, {"gate": (gate > 0) * np.asarray(weight * share, dtype=gate.dtype)}


@dataclass
class GateReconstruction(Term):
    """Gate reconstruction: error of a reconstruction from the rectified gate, for `Gated`.

    ``weight * mean 1/2 ||x - offset - max(gate, 0) @ atoms||^2``, in which atoms and offset count
    as constants. It trains the gate to detect active units; atoms and offset are trained for the
    codes alone.

    Parameters
    ----------
    weight : float or callable, default=1.0
        Multiple of the error, or a schedule that gives it for a step.

    References
    ----------
    S. Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Gated
    >>> from sparsecode.losses import AutoencoderLoss, GateReconstruction, LossContext
    >>> dictionary, X = Dictionary(np.eye(2)), np.array([[2.0, -1.0]])
    >>> encoder, loss = Gated(), AutoencoderLoss([GateReconstruction()])
    >>> codes, cache = encoder.forward(
    ...     encoder.init(dictionary), X, dictionary, signals=loss.needs
    ... )
    >>> loss.evaluate(X, dictionary, codes, context=LossContext(signals=cache.signals)).terms
    {'fit': 0.5, 'gatereconstruction': 0.5}
    """

    weight: float | Callable[[int], float] = 1.0

    needs: ClassVar[tuple[str, ...]] = ("gate",)
    detached: ClassVar[bool] = True
    reads_error: ClassVar[bool] = True
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
        gate, weight = context.signals["gate"], self.weight_at(context.step)
        rectified = np.maximum(gate, 0)
        squared_norms, _, grad_codes = reconstruct(context.target, dictionary, rectified, share)
        grad_codes *= gate > 0
        grad_codes *= grad_codes.dtype.type(weight)
        return weight * weighted_mean(squared_norms, share) / 2, {}, {"gate": grad_codes}
