"""Supervised loss: distance from given codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode._batches import shares, weighted_mean
from sparsecode.losses.base import Loss, LossContext, LossResult

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


@dataclass
class SupervisedLoss(Loss):
    """Supervised loss: mean squared distance to given codes, ``mean ||z - z*||^2``.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import SupervisedLoss
    >>> value, terms, dcodes = SupervisedLoss()(
    ...     np.zeros((1, 2)), Dictionary(np.eye(2)), np.array([[1.0, 2.0]]), np.array([[1.0, 0.0]])
    ... )
    >>> value, dcodes
    (4.0, array([[0., 4.]]))
    """

    uses_target: ClassVar[bool] = True
    is_mean: ClassVar[bool] = True

    def evaluate(
        self,
        X: np.ndarray,
        dictionary: Dictionary,
        codes: np.ndarray,
        target: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        *,
        dictionary_grads: bool = False,
        context: LossContext | None = None,
    ) -> LossResult:
        if np.shape(target) != codes.shape:
            raise ValueError(
                f"target has shape {np.shape(target)}; expected {codes.shape}, a code for each "
                "sample. Give the codes to learn, or an encoder that computes them."
            )
        share = shares(sample_weight, codes)
        error = codes - target
        value = weighted_mean(np.einsum("ij,ij->i", error, error), share)
        error *= 2 * share
        return LossResult(value, {"error": value}, error, {})
