"""Supervised loss: distance from given codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode._batches import shares, weighted_mean
from sparsecode.losses.base import Loss, LossResult


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

    def evaluate(
        self,
        X,
        dictionary,
        codes,
        target=None,
        sample_weight=None,
        *,
        dictionary_grads=False,
        context=None,
    ):
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
