"""Base class of the terms: a weight, a value, and the gradients of a part of a loss."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from sparsecode._parameters import Parameterized
from sparsecode._validation import check_number


class Term(Parameterized, BaseEstimator):
    """Base of the terms of `AutoencoderLoss`: a dataclass with a `weight` that defines `evaluate`.

    Attributes
    ----------
    weight : float or callable
        Multiple of the term, or a schedule that gives it for a step counted from 0.
    needs : tuple of str
        Names of the signals of an encoder that the term reads.
    takes_sparse : bool
        Whether codes may be a CSR array, as those of many encoders are in training; if not, it
        uses dense ones.
    detached : bool
        Whether gradients leave out something that the value depends on, on purpose.
    makes_sparse : bool
        Whether a higher weight makes fewer codes nonzero, so that this weight is the one to find
        for a wanted number; a term with a target of its own, such as `KLDivergence`, does not.
    reads_error : bool
        Whether the term reads `target` or `error` of its context, which a loss with an output
        activation does not have.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    takes_sparse: ClassVar[bool] = True
    detached: ClassVar[bool] = False
    makes_sparse: ClassVar[bool] = False
    reads_error: ClassVar[bool] = False

    @property
    def label(self):
        """Name in the history of training."""
        return type(self).__name__.lower()

    @property
    def is_constant(self):
        """Whether the term is the same function at every step."""
        return not callable(self.weight)

    def init(self, dictionary):
        """Return what the term remembers before the first batch: a dict of arrays."""
        return {}

    def check_encoder(self, encoder):
        """Raise if the term makes no sense for the codes of an encoder."""

    def evaluate(self, codes, dcodes, dictionary, share, context, *, dictionary_grads=False):
        """Value of the term, and its gradients.

        Parameters
        ----------
        codes : ndarray or csr_array of shape (n_samples, n_components)
        dcodes : ndarray of shape (n_samples, n_components), or (n_nonzeros,) of the codes
            To which the gradient in the codes is added, in place.
        dictionary : Dictionary
        share : ndarray of shape (n_samples, 1), or float
            What each sample counts.
        context : LossContext
        dictionary_grads : bool, default=False
            Whether to return gradients in atoms and offset.

        Returns
        -------
        value : float
        grads : dict of str to ndarray or RowGradient
            In `atoms` and `offset`, as far as the term depends on them.
        dsignals : dict of str to ndarray or csr_array
        """
        raise TypeError(f"{type(self).__name__} does not define evaluate; every Term must.")

    def weight_at(self, step):
        """Weight at a step, counted from 0."""
        weight = self.weight(step) if callable(self.weight) else self.weight
        return check_number(weight, f"weight of {type(self).__name__}", low=0)


def entry_shares(codes, share):
    """What the sample of each entry counts, to multiply with the entries of dense or CSR codes."""
    if not sparse.issparse(codes) or np.ndim(share) == 0:
        return share
    return np.repeat(share[:, 0], np.diff(codes.indptr))
