"""Loss of autoencoders: reconstruction error, plus terms that make codes sparse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._statistics import active_counts
from sparsecode._validation import check_flag, check_integer, check_number
from sparsecode._values import check_list
from sparsecode.losses._nested import check_levels
from sparsecode.losses._output import check_output
from sparsecode.losses._reconstruction import evaluate_terms
from sparsecode.losses.base import Loss, LossContext, LossResult
from sparsecode.losses.terms import PenaltyTerm, Term
from sparsecode.penalties import Penalty

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


@dataclass
class AutoencoderLoss(Loss):
    """Autoencoder loss: mean of ``1/2 ||x - offset - z @ atoms||^2``, plus terms.

    With a penalty as the only term it is the objective of exact sparse coding. So the weight of a
    penalty has the same meaning for an autoencoder and for a solver.

    Parameters
    ----------
    terms : sequence of Term or Penalty, default=()
        Terms to add. A penalty stands for its `PenaltyTerm`.
    levels : sequence of int or None, default=None
        Nested widths (Matryoshka), such as ``(16, 64, None)``. The error is the mean over
        reconstructions from the first 16, the first 64 and all atoms. So the first atoms learn the
        most common features, and the last ones can be removed after training. There are no
        additional multiplications; each level needs the memory of one residual. None uses the
        reconstruction from all atoms only.
    output : {"sigmoid"} or None, default=None
        Activation at the end of the decoder: ``1/2 ||x - sigmoid(offset + z @ atoms)||^2``, for
        samples between 0 and 1. None is the linear reconstruction, for which all terms and levels
        are possible.
    detach_levels : bool, default=False
        Whether each width counts the reconstruction of narrower ones as a constant. Its error then
        has gradients only in the units that are new in it. The first width alone trains the offset.
    sort_every : int or None, default=None
        Number of training steps after which units are sorted by how many samples they were active
        on since, so that the first width holds the units in most frequent use. Atoms, parameters of
        the encoder, averages of the optimizer and memories of terms change places together. None
        keeps the order.
    tilt : float, default=0.0
        Tilt `t` of the mean over the samples of a batch, ``log(mean(exp(t * error))) / t``, in
        units of one over the error ``1/2 ||x - x_hat||^2`` in training. A positive tilt counts
        samples of large error more, a negative one less; 0 is the mean.

    Raises
    ------
    ValueError
        By `init` and `evaluate`, if `levels` do not increase up to the number of atoms; by `init`,
        if units are to be sorted and a term has settings for certain units.

    References
    ----------
    B. Bussmann, N. Nabeshima, A. Karvonen and N. Nanda, "Learning multi-level features with
    Matryoshka sparse autoencoders", 2025. T. Li, A. Beirami, M. Sanjabi and V. Smith, "Tilted
    empirical risk minimization", 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.losses import AutoencoderLoss
    >>> from sparsecode.penalties import L1
    >>> loss = AutoencoderLoss([L1(0.5)])
    >>> value, terms, dcodes = loss(
    ...     np.array([[2.0, 0.0]]), Dictionary(np.eye(2)), np.array([[1.0, 0.0]])
    ... )
    >>> value, terms, dcodes
    (1.0, {'fit': 0.5, 'penalty': 0.5}, array([[-0.5,  0. ]]))
    """

    terms: Sequence[Term | Penalty] = ()
    levels: Sequence[int | None] | None = None
    output: str | None = None
    detach_levels: bool = False
    sort_every: int | None = None
    tilt: float = 0.0

    @property
    def takes_sparse(self) -> bool:
        """Whether all terms take sparse codes, and there is no output activation."""
        return self.output is None and all(term.takes_sparse for term in self.resolved())

    @property
    def is_constant(self) -> bool:
        """Whether all weights, and the order of the units, are constant during training."""
        return not self.sorts_units and all(term.is_constant for term in self.resolved())

    @property
    def sorts_units(self) -> bool:
        """Whether training sorts the units."""
        return self.sort_every is not None

    @property
    def is_mean(self) -> bool:
        """Whether the loss and all terms are means over samples; nothing is tilted or counted."""
        plain = self.tilt == 0 and not self.sorts_units
        return plain and all(term.is_mean for term in self.resolved())

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for term in self.resolved() for name in term.needs))

    def init(self, dictionary: Dictionary) -> dict[str, np.ndarray]:
        self._check()
        if self.levels is not None:
            check_levels(self.levels, dictionary.n_components)
        memory = {"uses": np.zeros(dictionary.n_components, dtype=np.int64)}
        memory = memory if self.sorts_units else {}
        for i, term in enumerate(self.resolved()):
            memory.update({f"{i}.{k}": array for k, array in term.init(dictionary).items()})
        return memory

    def unit_order(self, n_steps: int, memory: dict[str, np.ndarray]) -> np.ndarray | None:
        if not self.sorts_units or n_steps % self.sort_every != 0:
            return None
        order = np.argsort(-memory["uses"], kind="stable")
        memory["uses"][:] = 0
        return order

    def check_encoder(self, encoder: Any) -> None:
        self._check()
        for term in self.resolved():
            term.check_encoder(encoder)

    def resolved(self) -> Any:
        """The terms, with penalties as `PenaltyTerm`.

        Raises
        ------
        TypeError
            If an entry is neither a term nor a penalty.
        """
        if isinstance(self.terms, Term | Penalty):
            terms = [self.terms]
        else:
            remedy = "Use for example terms=[L1(0.1)]."
            terms = check_list(self.terms, "terms", "a list of terms and penalties", remedy)
        for i, term in enumerate(terms):
            if isinstance(term, Penalty):
                terms[i] = PenaltyTerm(term)
            elif not isinstance(term, Term):
                raise TypeError(
                    wrong(
                        f"terms[{i}]",
                        got=shown(term),
                        expected="a Term or a Penalty, an instance",
                        remedy="Use for example terms=[L1(0.1)].",
                    )
                )
        return terms

    def _check(self):
        """Raise if a setting is not valid, or two of them do not go together."""
        check_number(self.tilt, "tilt")
        if check_flag(self.detach_levels, "detach_levels") and self.levels is None:
            raise ValueError(
                "detach_levels is True but levels is None; expected nested widths to detach. Set "
                "levels, or leave detach_levels False."
            )
        if self.sorts_units:
            check_integer(self.sort_every, "sort_every")
            for term in self.resolved():
                if term.by_position:
                    raise ValueError(
                        f"sort_every is {self.sort_every} but {shown(term)} has settings for units "
                        "at certain positions, which sorting changes; expected only one of them. "
                        "Leave sort_every None, or use the same setting for all units."
                    )
        self._check_output()

    def _check_output(self):
        """Raise if there is no such activation, or a term or level needs linear reconstructions."""
        if check_output(self.output) is None:
            return
        readers = [term for term in self.resolved() if term.reads_error]
        if readers or self.levels is not None:
            what = f"the term {shown(readers[0])}" if readers else f"levels={shown(self.levels)}"
            raise ValueError(
                f"output is {shown(self.output)} but {what} needs reconstructions that are linear "
                "in the codes; expected only one of them. Leave one out."
            )

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
        if context is not None and context.training and "uses" in context.memory:
            context.memory["uses"] += active_counts(codes)
        return evaluate_terms(
            [_Remembering(i, term) for i, term in enumerate(self.resolved())],
            X,
            dictionary,
            codes,
            target,
            sample_weight,
            dictionary_grads,
            context,
            self.levels,
            self.output,
            self.detach_levels,
            self.tilt,
        )


class _Remembering:
    """A term with only its part of the memory."""

    def __init__(self, i, term):
        self._prefix, self._term, self.label = f"{i}.", term, term.label

    def evaluate(self, codes, dcodes, dictionary, share, context, **options):
        memory = {
            name.removeprefix(self._prefix): array
            for name, array in context.memory.items()
            if name.startswith(self._prefix)
        }
        context = context._replace(memory=memory)
        return self._term.evaluate(codes, dcodes, dictionary, share, context, **options)
