"""Base class of the terms: a weight, a value, and the gradients of a part of a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from sparsecode._parameters import Parameterized
from sparsecode._typing import Codes, MatrixLike
from sparsecode._validation import check_number

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.losses.base import LossContext

# Value, gradients in the dictionary, and gradients in signals of the encoder.
TermResult: TypeAlias = tuple[float, dict[str, Any], dict[str, Any]]


class Term(Parameterized, BaseEstimator):
    """Base of the terms of `AutoencoderLoss`: a dataclass with a `weight` that defines `evaluate`.

    Attributes
    ----------
    weight : float or callable
        Multiple of the term, or a schedule that gives it for a step counted from 0.
    needs : tuple of str
        Names of the signals of the encoder that the term uses.
    takes_sparse : bool
        Whether codes may be a CSR array, as for many encoders in training. If not, codes are dense.
    detached : bool
        Whether gradients intentionally treat a part of the value as constant.
    makes_sparse : bool
        Whether a higher weight gives fewer nonzeros, so that a search for a number of nonzeros
        adapts this weight. It is False for a term that has a target itself, such as `KLDivergence`.
    reads_error : bool
        Whether the term uses `target` or `error` of its context. A loss with an output activation
        does not provide these.
    is_mean : bool
        Whether the value is a mean over samples, or no function of them, and has no memory: that of
        a batch is then the mean of those of its parts.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    takes_sparse: ClassVar[bool] = True
    detached: ClassVar[bool] = False
    makes_sparse: ClassVar[bool] = False
    reads_error: ClassVar[bool] = False
    is_mean: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """Name in the history of training."""
        return type(self).__name__.lower()

    @property
    def is_constant(self) -> bool:
        """Whether the term is the same function at every step."""
        return not callable(self.weight)

    @property
    def by_position(self) -> bool:
        """Whether settings of the term are for units at certain positions.

        Then units cannot be sorted. The memory of a term does not count: training sorts its arrays
        too, if their first axis has an entry for each unit.
        """
        return False

    def init(self, dictionary: Dictionary) -> dict[str, np.ndarray]:
        """Return the memory of the term before the first batch: a dict of arrays."""
        return {}

    def check_encoder(self, encoder: Any) -> None:
        """Raise if the term is not suitable for an encoder."""

    def evaluate(
        self,
        codes: Codes,
        dcodes: np.ndarray,
        dictionary: Dictionary,
        share: np.ndarray | float,
        context: LossContext,
        *,
        dictionary_grads: bool = False,
    ) -> TermResult:
        """Compute the value of the term and its gradients.

        Parameters
        ----------
        codes : ndarray or csr_array of shape (n_samples, n_components)
        dcodes : ndarray of shape (n_samples, n_components), or (n_nonzeros,) of the codes
            Array to which the gradient in the codes is added in place.
        dictionary : Dictionary
        share : ndarray of shape (n_samples, 1), or float
            Share of each sample in the mean.
        context : LossContext
        dictionary_grads : bool, default=False
            Whether to return gradients in atoms and offset.

        Returns
        -------
        value : float
        grads : dict of str to ndarray or RowGradient
            Gradients in `atoms` and `offset`, as far as the term depends on them.
        dsignals : dict of str to ndarray or csr_array
        """
        raise TypeError(f"{type(self).__name__} does not define evaluate; every Term must.")

    def weight_at(self, step: int) -> float:
        """Weight at a step, counted from 0."""
        weight = self.weight(step) if callable(self.weight) else self.weight
        return check_number(weight, f"weight of {type(self).__name__}", low=0)


def entry_shares(codes: MatrixLike, share: float | np.ndarray) -> float | np.ndarray:
    """Share of the sample of each entry, in the layout of dense or CSR codes."""
    if not sparse.issparse(codes) or np.ndim(share) == 0:
        return share
    return np.repeat(share[:, 0], np.diff(codes.indptr))
