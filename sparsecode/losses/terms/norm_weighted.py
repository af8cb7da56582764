"""Penalty of codes weighted by the norms of their atoms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy import sparse

from sparsecode._factored_gradients import scaled_rows
from sparsecode._messages import shown, wrong
from sparsecode.losses.terms.base import Term, TermResult
from sparsecode.losses.terms.penalty import PenaltyTerm, is_by_position
from sparsecode.penalties import L1, Penalty
from sparsecode.penalties.base import check_penalty_instance

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext


@dataclass
class NormWeighted(Term):
    """Norm-weighted penalty: mean penalty of codes times norms of atoms, ``g(z_j * ||d_j||)``.

    Without a constraint on the atoms, large atoms with small codes then have no lower penalty. With
    `L1` it is the l1 penalty weighted by decoder norms, and with `Tanh` the tanh penalty of sparse
    autoencoders. The gradient in each atom is a multiple of the atom; it costs one pass over the
    atoms.

    Parameters
    ----------
    penalty : Penalty, default=L1()
        Penalty that is a sum over coefficients, with its weight.
    weight : float or callable, default=1.0
        Multiple of the penalty, or a schedule that gives it for a step, such as a warm-up.

    Raises
    ------
    TypeError
        If the penalty is not a sum over coefficients.

    References
    ----------
    T. Conerly, A. Templeton, T. Bricken et al., "Update on how we train SAEs", 2024. A. Jermyn, A.
    Templeton, J. Batson and T. Bricken, "Tanh penalty in dictionary learning", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import AutoencoderLoss, NormWeighted
    >>> from sparsecode.penalties import L1
    >>> loss = AutoencoderLoss([NormWeighted(L1(0.5))])
    >>> value, terms, dcodes = loss(
    ...     np.array([[2.0]]), Dictionary([[2.0]], constraint=None), np.array([[1.0]])
    ... )
    >>> terms
    {'fit': 0.0, 'normweighted': 1.0}
    """

    penalty: Penalty = field(default_factory=L1)
    weight: float | Callable[[int], float] = 1.0

    makes_sparse: ClassVar[bool] = True
    is_mean: ClassVar[bool] = True

    @property
    def by_position(self) -> bool:
        """Whether the penalty has weights or groups of atoms."""
        return is_by_position(self.penalty)

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
        if not check_penalty_instance(self.penalty).separable:
            raise TypeError(
                wrong(
                    "penalty of NormWeighted",
                    got=shown(self.penalty),
                    expected="a penalty that is a sum over coefficients",
                    remedy="Use L1, LogSum or Tanh.",
                )
            )
        norms = dictionary.norms.astype(codes.dtype)
        if sparse.issparse(codes):
            here, values = norms[codes.indices], codes.data
            sizes = sparse.csr_array((values * here, codes.indices, codes.indptr), codes.shape)
        else:
            here, values = norms, codes
            sizes = codes * norms
        grad_codes = np.zeros_like(values)
        term = PenaltyTerm(self.penalty, self.weight)
        value, _, _ = term.evaluate(sizes, grad_codes, dictionary, share, context)
        dcodes += grad_codes * here
        if not dictionary_grads:
            return value, {}, {}
        grad_codes *= values
        if sparse.issparse(codes):
            lengths = np.bincount(codes.indices, grad_codes, codes.shape[1])
        else:
            lengths = grad_codes.sum(axis=0)
        lengths /= np.where(norms > 0, norms, 1)
        return value, {"atoms": scaled_rows(lengths, dictionary.atoms)}, {}
