"""Weight decay of encoder and decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode._factored_gradients import scaled_rows
from sparsecode.losses.terms.base import Term, TermResult

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext


@dataclass
class WeightDecay(Term):
    """Weight decay: half the sum of squares of the matrix `W` of the encoder and of the atoms.

    ``weight / 2 * (||W||^2 + ||atoms||^2)``, without biases and offset. It is not a mean over
    samples, so it does not depend on the batch. For a tied encoder, whose `W` is the atoms, the
    atoms count twice. Unlike the decay of `AdamW` it is part of the loss, so that every optimizer
    minimises it. The part of atoms of fixed norm is constant.

    Parameters
    ----------
    weight : float or callable, default=1e-4
        Multiple of half the sum, or a schedule that gives it for a step.

    References
    ----------
    A. Ng, "Sparse autoencoder", CS294A lecture notes, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Sigmoid
    >>> from sparsecode.losses import AutoencoderLoss, LossContext, WeightDecay
    >>> loss, encoder = AutoencoderLoss([WeightDecay(0.5)]), Sigmoid()
    >>> dictionary, X = Dictionary(np.eye(2)), np.zeros((1, 2))
    >>> codes, cache = encoder.forward(
    ...     encoder.init(dictionary), X, dictionary, signals=loss.needs
    ... )
    >>> loss.evaluate(X, dictionary, codes, context=LossContext(signals=cache.signals)).terms
    {'fit': 0.25, 'weightdecay': 1.0}
    """

    weight: float | Callable[[int], float] = 1e-4

    needs: ClassVar[tuple[str, ...]] = ("squared_norms",)
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
        weight, norms = self.weight_at(context.step), context.signals["squared_norms"]
        atoms = dictionary.atoms
        of_atoms = np.einsum("ij,ij->", atoms, atoms, dtype=np.float64)
        value = weight / 2 * float(norms.sum(dtype=np.float64) + of_atoms)
        each = np.full(len(atoms), weight)
        grads = {"atoms": scaled_rows(each, atoms)} if dictionary_grads else {}
        return value, grads, {"squared_norms": np.full_like(norms, weight / 2)}
