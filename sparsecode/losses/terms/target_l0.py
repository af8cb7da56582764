"""Target for the number of nonzeros (l0), by an adaptive weight of a term."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import sparse

from sparsecode._batches import weighted_mean
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_number
from sparsecode.losses.terms.base import Term, TermResult
from sparsecode.losses.terms.penalty import PenaltyTerm
from sparsecode.penalties import Penalty

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext

# Bound on the logarithm of the relative error, because early codes are far too dense.
_LARGEST = 1.0
# Share of the last batch in the running l0, so that single batches hardly change the weight.
_NEW = 0.1


@dataclass
class TargetL0(Term):
    """Target l0: adapt the weight of a term until codes have a given number of nonzeros.

    The weight is set by a proportional-integral controller, where `l0` is a running mean of the
    number of nonzeros of a sample. After every step the logarithm of the weight increases by
    ``rate * log(l0 / target)``. In addition, the current logarithm is higher by
    ``boost * log(l0 / target)``. This works for terms whose higher weight gives fewer nonzeros.

    Parameters
    ----------
    term : Term or Penalty, default=PenaltyTerm()
        Term whose weight is adapted, starting from its given weight.
    target : float, default=8.0
        Mean number of nonzeros of a sample.
    rate : float, default=0.01
        Relative change of the weight per step, for a logarithm ``log(l0 / target)`` of 1.
    boost : float, default=0.3
        Temporary relative change of the weight, for a logarithm of 1, which damps oscillations.

    Examples
    --------
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.losses import AutoencoderLoss, TargetL0
    >>> X = make_sparse_signals(2000, 20, 10, n_nonzero=2, random_state=0).X
    >>> loss = AutoencoderLoss([TargetL0(target=4.0)])
    >>> model = SparseAutoencoder(20, loss=loss, n_epochs=80, random_state=0).fit(X)
    >>> bool(3 < (model.transform(X) != 0).sum(axis=1).mean() < 5)
    True
    """

    term: Term | Penalty = field(default_factory=PenaltyTerm)
    target: float = 8.0
    rate: float = 0.01
    boost: float = 0.3

    # The weight of the inner term is the one that counts.
    weight: float | Callable[[int], float] = field(default=1.0, init=False, repr=False)

    is_constant: ClassVar[bool] = False
    makes_sparse: ClassVar[bool] = True

    @property
    def label(self) -> str:
        return self.resolved().label

    @property
    def needs(self) -> tuple[str, ...]:
        return self.resolved().needs

    @property
    def takes_sparse(self) -> bool:
        return self.resolved().takes_sparse

    @property
    def by_position(self) -> bool:
        """Whether the inner term has settings for units at certain positions."""
        return self.resolved().by_position

    def check_encoder(self, encoder: Any) -> None:
        self.resolved().check_encoder(encoder)

    def init(self, dictionary: Dictionary) -> dict[str, np.ndarray]:
        check_number(self.target, "target", low=0, low_open=True)
        if self.target > dictionary.n_components:
            raise ValueError(
                wrong(
                    "target of TargetL0",
                    got=self.target,
                    expected=f"at most {dictionary.n_components}, the number of atoms",
                    remedy="Lower the target, or use more atoms.",
                )
            )
        check_number(self.rate, "rate of TargetL0", low=0, low_open=True, high=100)
        check_number(self.boost, "boost of TargetL0", low=0, high=100)
        inner = {f"term.{name}": array for name, array in self.resolved().init(dictionary).items()}
        return {"log_weight": np.zeros(()), "l0": np.full((), np.nan), **inner}

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
        memory, inner = context.memory, copy.copy(self.resolved())
        factor = 1.0
        if "log_weight" in memory:
            error = self._error(float(memory["l0"]))
            factor = math.exp(float(memory["log_weight"]) + self.boost * error)
        inner.weight = factor * inner.weight_at(context.step)
        of_term = {
            name.removeprefix("term."): array
            for name, array in memory.items()
            if name.startswith("term.")
        }
        found = inner.evaluate(
            codes,
            dcodes,
            dictionary,
            share,
            context._replace(memory=of_term),
            dictionary_grads=dictionary_grads,
        )
        if context.training and "log_weight" in memory:
            self._observe(weighted_mean(_nonzeros(codes), share), memory)
        return found

    def resolved(self) -> Any:
        """The inner term; a penalty becomes a `PenaltyTerm`."""
        if isinstance(self.term, Penalty):
            return PenaltyTerm(self.term)
        if not isinstance(self.term, Term):
            raise TypeError(
                wrong(
                    "term of TargetL0",
                    got=shown(self.term),
                    expected="a Term or a Penalty, an instance",
                    remedy="Use for example TargetL0(L1(0.1), target=8).",
                )
            )
        return self.term

    def _observe(self, l0, memory):
        before = float(memory["l0"])
        memory["l0"][...] = l0 if math.isnan(before) else (1 - _NEW) * before + _NEW * l0
        memory["log_weight"][...] += self.rate * self._error(float(memory["l0"]))

    def _error(self, l0):
        if math.isnan(l0):
            return 0.0
        error = math.log(max(l0, 0.01 * self.target) / self.target)
        return min(max(error, -_LARGEST), _LARGEST)


def _nonzeros(codes):
    """Number of nonzeros of each sample; stored entries of a JumpReLU can be zeros."""
    if not sparse.issparse(codes):
        return np.count_nonzero(codes, axis=1)
    samples = np.repeat(np.arange(codes.shape[0]), np.diff(codes.indptr))
    return np.bincount(samples, codes.data != 0, codes.shape[0])
