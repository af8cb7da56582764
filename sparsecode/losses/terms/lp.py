"""Lp term: powers of the codes, with an exponent that may change in training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode._batches import weighted_mean
from sparsecode._validation import check_number
from sparsecode.losses.terms._entries import map_entries
from sparsecode.losses.terms.base import Term, TermResult

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext


@dataclass
class Lp(Term):
    """Lp term: mean of ``sum_j (|z_j| + epsilon)^p - epsilon^p``.

    For ``p=1`` it is the l1 norm, and for `p` near 0 nearly the number of nonzeros. With a schedule
    from 1 to 0.2, for example, training begins with the convex penalty and ends with one that
    hardly shrinks large codes.

    Parameters
    ----------
    p : float or callable, default=0.5
        Positive exponent, or a schedule that gives it for a step, such as
        `sparsecode.schedules.Linear`.
    weight : float or callable, default=1.0
        Multiple of the sum, or a schedule that gives it for a step.
    epsilon : float, default=1e-3
        Positive number that keeps the slope at 0 finite if `p` is below 1.

    Raises
    ------
    ValueError
        If `p` or `epsilon` is not positive.

    References
    ----------
    A. Karvonen et al., "Measuring progress in dictionary learning for language model
    interpretability with board game models", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import AutoencoderLoss, Lp
    >>> from sparsecode.schedules import Linear
    >>> loss = AutoencoderLoss([Lp(p=Linear(start=1.0, end=0.2, n_steps=10_000), weight=0.1)])
    >>> value, terms, dcodes = loss(
    ...     np.array([[2.0]]), Dictionary([[1.0]]), np.array([[2.0]])
    ... )
    >>> terms
    {'fit': 0.0, 'lp': 0.2}
    """

    p: float | Callable[[int], float] = 0.5
    weight: float | Callable[[int], float] = 1.0
    epsilon: float = 1e-3

    makes_sparse: ClassVar[bool] = True
    is_mean: ClassVar[bool] = True

    @property
    def is_constant(self) -> bool:
        """Whether the term is the same function at every step: the exponent is a number."""
        return super().is_constant and not callable(self.p)

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
        p = self.p(context.step) if callable(self.p) else self.p
        p = check_number(p, "p", low=0, low_open=True)
        epsilon = check_number(self.epsilon, "epsilon", low=0, low_open=True)

        def add(entries):
            z = entries.values
            sizes = np.abs(z)
            sizes += z.dtype.type(epsilon)
            powers = sizes ** z.dtype.type(p - 1)
            grad_codes = np.sign(z) * powers
            grad_codes *= entries.shares * z.dtype.type(weight * p)
            entries.grad_codes[...] += grad_codes
            powers *= sizes
            # Computed with the same rounding, so that zeros cost exactly 0.
            zero = np.full(1, epsilon, dtype=z.dtype)
            zero = zero ** z.dtype.type(p - 1) * zero
            powers -= zero
            powers[z == 0] = 0
            return entries.row_sums(powers)

        values = np.concatenate(map_entries(add, codes, dcodes, share))
        return weight * weighted_mean(values, share), {}, {}
