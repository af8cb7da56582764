"""Penalty term: any penalty of exact sparse coding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import sparse

from sparsecode import _jit
from sparsecode._batches import weighted_mean
from sparsecode._messages import shown, wrong
from sparsecode._parallel import map_row_blocks
from sparsecode.losses.terms.base import Term, TermResult
from sparsecode.penalties import L1, Penalty
from sparsecode.penalties.base import check_penalty_instance

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext

# Coefficients of a block: fewer are not worth a second thread.
_BLOCK_ENTRIES = 2**17


def check_differentiable(penalty: Penalty) -> None:
    """Raise TypeError if a penalty has no gradient to train an encoder by."""
    check_penalty_instance(penalty)
    if not hasattr(penalty, "_grad") and type(penalty).grad is Penalty.grad:
        expected = "a penalty with a gradient, as encoders are trained by gradients"
        remedy = "Use L1, or TopK(k=8) for a given number of nonzeros."
        raise TypeError(wrong("penalty", got=shown(penalty), expected=expected, remedy=remedy))


def is_by_position(penalty: Penalty) -> bool:
    """Whether a penalty has weights or groups of atoms, which are for certain positions."""
    return getattr(penalty, "weights", None) is not None or hasattr(penalty, "groups")


@dataclass
class PenaltyTerm(Term):
    """Penalty term: mean penalty ``g`` of the codes, with the same weight as in exact coding.

    Parameters
    ----------
    penalty : Penalty, default=L1()
        Penalty with a derivative except at kinks, where the derivative is taken as 0.
    weight : float or callable, default=1.0
        Multiple of the penalty, or a schedule that gives it for a step, such as a warm-up.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import AutoencoderLoss, PenaltyTerm
    >>> from sparsecode.penalties import L1
    >>> loss = AutoencoderLoss([PenaltyTerm(L1(0.5), weight=2.0)])
    >>> value, terms, dcodes = loss(np.array([[2.0]]), Dictionary([[1.0]]), np.array([[1.0]]))
    >>> terms
    {'fit': 0.5, 'penalty': 1.0}
    """

    penalty: Penalty = field(default_factory=L1)
    weight: float | Callable[[int], float] = 1.0

    makes_sparse: ClassVar[bool] = True
    is_mean: ClassVar[bool] = True

    @property
    def by_position(self) -> bool:
        """Whether the penalty has weights or groups of atoms."""
        return is_by_position(self.penalty)

    @property
    def label(self) -> str:
        return "penalty"

    @property
    def takes_sparse(self) -> bool:
        """Whether the penalty is a sum over coefficients, for which zeros can be left out."""
        return self.penalty.separable

    def check_encoder(self, encoder: Any) -> None:
        check_differentiable(self.penalty)

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
        penalty = check_penalty_instance(self.penalty).scaled(self.weight_at(context.step))
        if not penalty.separable or not hasattr(penalty, "_grad"):
            values = penalty.value(codes)
            dcodes += penalty.grad(codes) * share
            return weighted_mean(values, share), {}, {}
        prepared = penalty.prepare(codes.shape[1], codes.dtype)
        values = np.empty(codes.shape[0], dtype=np.float64)
        counts = np.broadcast_to(np.asarray(share, dtype=codes.dtype), (codes.shape[0], 1))

        def add(rows):
            here = counts[rows], values[rows]
            if sparse.issparse(codes):
                starts = codes.indptr[rows.start : rows.stop + 1]
                _add_sparse(prepared, starts, codes.indices, codes.data, dcodes, *here)
            else:
                _add_dense(prepared, codes[rows], dcodes[rows], *here)

        n_entries = codes.nnz if sparse.issparse(codes) else codes.size
        size = max(_BLOCK_ENTRIES * codes.shape[0] // max(n_entries, 1), 1)
        map_row_blocks(add, codes.shape[0], block_size=size)
        return weighted_mean(values, share), {}, {}


@_jit.kernel
def _add_dense(penalty, codes, dcodes, share, values):
    for i in range(codes.shape[0]):
        row, grad_codes, part, total = codes[i], dcodes[i], share[i, 0], 0.0
        for j in range(row.shape[0]):
            total += _jit.scalar_value(penalty, row[j], j) if row[j] != 0 else 0
            grad_codes[j] += part * _jit.scalar_grad(penalty, row[j], j)
        values[i] = total


@_jit.kernel
def _add_sparse(penalty, starts, columns, data, grad_codes, share, values):
    for i in range(values.shape[0]):
        part, total = share[i, 0], 0.0
        for e in range(starts[i], starts[i + 1]):
            if data[e] != 0:
                total += _jit.scalar_value(penalty, data[e], columns[e])
                grad_codes[e] += part * _jit.scalar_grad(penalty, data[e], columns[e])
        values[i] = total
