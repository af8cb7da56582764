"""Reconstruction from another number of units than the encoder keeps (Multi-TopK)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode._batches import weighted_mean
from sparsecode._factored_gradients import RowGradient
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import stack_csr
from sparsecode._validation import check_integer
from sparsecode.losses._reconstruction import reconstruct
from sparsecode.losses.terms.base import Term, TermResult
from sparsecode.ops._largest import largest_entries

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext

_BLOCK_SIZE = 128


@dataclass
class MultiTopK(Term):
    """Multi-TopK: half the squared error of a reconstruction from `k` units, besides that of codes.

    The `k` largest positive pre-activations of each sample are decoded, whatever the encoder keeps.
    A `TopK` encoder that is trained for one number of units reconstructs badly with another one.
    With this term, or several, it is trained for several numbers at once: after training its `k`
    may be chosen anew. More units also get a gradient, so that fewer of them die. It costs an array
    of pre-activations and ``k * n_features`` multiplications per sample; the gradient is sparse.

    Parameters
    ----------
    k : int, default=32
        Number of units of a sample; all of them, if there are fewer.
    weight : float or callable, default=1/8
        Multiple of the error, or a schedule that gives it for a step.

    References
    ----------
    L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import TopK
    >>> from sparsecode.losses import AutoencoderLoss, LossContext, MultiTopK
    >>> dictionary, X = Dictionary(np.eye(2)), np.array([[2.0, 1.0]])
    >>> encoder, loss = TopK(k=1), AutoencoderLoss([MultiTopK(k=2)])
    >>> codes, cache = encoder.forward(
    ...     encoder.init(dictionary), X, dictionary, signals=loss.needs
    ... )
    >>> loss.evaluate(X, dictionary, codes, context=LossContext(signals=cache.signals)).terms
    {'fit': 0.5, 'multitopk': 0.0}
    """

    k: int = 32
    weight: float | Callable[[int], float] = 1 / 8

    needs: ClassVar[tuple[str, ...]] = ("pre",)
    reads_error: ClassVar[bool] = True
    is_mean: ClassVar[bool] = True

    def init(self, dictionary: Dictionary) -> dict[str, np.ndarray]:
        check_integer(self.k, "k")
        return {}

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
        pre, weight = context.signals["pre"], self.weight_at(context.step)
        k = min(check_integer(self.k, "k"), pre.shape[1])

        def block(rows):
            return largest_entries(np.ascontiguousarray(pre[rows]), k, False)

        parts = map_row_blocks(block, len(pre), block_size=_BLOCK_SIZE)
        chosen = stack_csr(parts, dictionary.n_components)
        squared_norms, error, dchosen = reconstruct(context.target, dictionary, chosen, share)
        error *= error.dtype.type(weight)
        dchosen.data *= dchosen.dtype.type(weight)
        grads = {}
        if dictionary_grads:
            grads["atoms"] = RowGradient((chosen, error))
            if dictionary.offset is not None:
                grads["offset"] = error.sum(axis=0)
        return weight * weighted_mean(squared_norms, share) / 2, grads, {"pre": dchosen}
