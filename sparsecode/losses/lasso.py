"""Objective of sparse coding as an unsupervised loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode.losses._reconstruction import evaluate_terms
from sparsecode.losses.base import Loss, LossContext, LossResult
from sparsecode.losses.terms import PenaltyTerm
from sparsecode.penalties import L1, Penalty

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


@dataclass
class LassoLoss(Loss):
    """Mean objective of sparse coding, ``mean (||x - offset - z @ atoms||^2 / 2 + g(z))``.

    Parameters
    ----------
    penalty : Penalty, default=L1()
        Penalty `g` with its weight. It needs a derivative except at kinks.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import LassoLoss
    >>> from sparsecode.penalties import L1
    >>> value, terms, dcodes = LassoLoss(L1(0.5))(
    ...     np.array([[2.0, 0.0]]), Dictionary(np.eye(2)), np.array([[1.0, 0.0]])
    ... )
    >>> value, terms, dcodes
    (1.0, {'fit': 0.5, 'penalty': 0.5}, array([[-0.5,  0. ]]))
    """

    penalty: Penalty = field(default_factory=L1)

    takes_sparse: ClassVar[bool] = True
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
        return evaluate_terms(
            [PenaltyTerm(self.penalty)],
            X,
            dictionary,
            codes,
            None,
            sample_weight,
            dictionary_grads,
            context,
        )
