"""Contractive term, which penalises the derivative of codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode._batches import weighted_mean
from sparsecode._parallel import map_row_blocks
from sparsecode.losses.terms.base import Term, TermResult

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext

_BLOCK_SIZE = 128


@dataclass
class Contractive(Term):
    """Contractive term: mean squared Frobenius norm of the Jacobian of the codes.

    The Jacobian contains the derivatives of codes with respect to the sample. For an elementwise
    activation the squared norm is ``sum_j (phi'(a_j) ||w_j||)^2``, so that it only costs a pass
    over the codes. The encoder must have the signal ``"slope"``, like `ReLU`.

    Parameters
    ----------
    weight : float or callable, default=1.0
        Multiple of the mean, or a schedule that gives it for a step.

    References
    ----------
    S. Rifai, P. Vincent, X. Muller, X. Glorot and Y. Bengio, "Contractive auto-encoders: explicit
    invariance during feature extraction", 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import ReLU
    >>> from sparsecode.losses import AutoencoderLoss, Contractive, LossContext
    >>> loss, encoder, dictionary = AutoencoderLoss([Contractive()]), ReLU(), Dictionary(np.eye(2))
    >>> X = np.array([[3.0, -1.0]])
    >>> codes, cache = encoder.forward(
    ...     encoder.init(dictionary), X, dictionary, signals=loss.needs
    ... )
    >>> loss.evaluate(X, dictionary, codes, context=LossContext(signals=cache.signals)).terms
    {'fit': 0.5, 'contractive': 1.0}
    """

    weight: float | Callable[[int], float] = 1.0

    needs: ClassVar[tuple[str, ...]] = ("slope", "squared_norms")
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
        weight = self.weight_at(context.step)
        slope, norms = context.signals["slope"], context.signals["squared_norms"]
        counts = np.broadcast_to(np.asarray(share, dtype=slope.dtype), (len(slope), 1))
        dslope = np.empty_like(slope)

        def block(rows):
            squares = np.square(slope[rows])
            np.multiply(slope[rows], 2 * weight * norms, out=dslope[rows])
            dslope[rows] *= counts[rows]
            return squares @ norms, (squares * counts[rows]).sum(axis=0, dtype=np.float64)

        parts = map_row_blocks(block, len(slope), block_size=_BLOCK_SIZE)
        value = weight * weighted_mean(np.concatenate([values for values, _ in parts]), share)
        dnorms = weight * np.sum([sums for _, sums in parts], axis=0)
        return value, {}, {"slope": dslope, "squared_norms": dnorms.astype(norms.dtype)}
