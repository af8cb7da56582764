"""What a trainable encoder is trained to make small, with hand-written gradients.

Every loss is a mean over samples, weighted where they have weights. All have one signature.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from sparsecode.penalties import L1, Penalty
from sparsecode.penalties.base import check_penalty_instance

__all__ = ["LassoLoss", "Loss", "LossResult", "SupervisedLoss"]


class LossResult(NamedTuple):
    """A loss of a batch, and its gradients.

    Attributes
    ----------
    value : float
    terms : dict of str to float
        What it is the sum of.
    dcodes : ndarray of shape (n_samples, n_components)
        Gradient of `value` in the codes.
    grads : dict of str to ndarray
        Gradients in the dictionary where they were asked for: `atoms`, of shape (n_components,
        n_features), and `offset`, of shape (n_features,), unless the dictionary has none. Empty
        where the loss does not depend on it.
    """

    value: float
    terms: dict
    dcodes: np.ndarray
    grads: dict


class Loss(BaseEstimator):
    """Base of the losses: a dataclass that defines `evaluate`.

    Attributes
    ----------
    uses_target : bool
        Whether the loss compares with a target for each sample.
    """

    uses_target: ClassVar[bool] = False

    def __call__(self, X, dictionary, codes, target=None, sample_weight=None):
        """Return the first three entries of `evaluate`: value, terms, and gradient in the codes."""
        return self.evaluate(X, dictionary, codes, target, sample_weight)[:3]

    def evaluate(
        self, X, dictionary, codes, target=None, sample_weight=None, *, dictionary_grads=False
    ):
        """Loss of a batch, and its gradients.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        dictionary : Dictionary
        codes : ndarray of shape (n_samples, n_components)
        target : ndarray of shape (n_samples, n_targets) or None, default=None
        sample_weight : ndarray of shape (n_samples,) or None, default=None
            How much each sample counts in the mean; None is 1 each.
        dictionary_grads : bool, default=False
            Whether to compute the gradients in atoms and offset too.

        Returns
        -------
        result : LossResult
        """
        raise TypeError(f"{type(self).__name__} does not define evaluate; every Loss must.")


@dataclass
class SupervisedLoss(Loss):
    """Mean squared distance to given codes, ``mean ||z - z*||^2``.

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
        self, X, dictionary, codes, target=None, sample_weight=None, *, dictionary_grads=False
    ):
        if np.shape(target) != codes.shape:
            raise ValueError(
                f"target has shape {np.shape(target)}; expected {codes.shape}, a code for each "
                "sample. Give the codes to learn, or an encoder that computes them."
            )
        share = _shares(sample_weight, codes)
        error = codes - target
        value = _mean(np.einsum("ij,ij->i", error, error), share)
        error *= 2 * share
        return LossResult(value, {"error": value}, error, {})


@dataclass
class LassoLoss(Loss):
    """Mean objective of sparse coding, ``mean (||x - offset - z @ atoms||^2 / 2 + g(z))``.

    Parameters
    ----------
    penalty : Penalty, default=L1()
        `g`, with its weight; one that has a derivative except at kinks.

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

    def evaluate(
        self, X, dictionary, codes, target=None, sample_weight=None, *, dictionary_grads=False
    ):
        check_penalty_instance(self.penalty)
        share = _shares(sample_weight, codes)
        # Plain products: nothing is checked again for every batch, and NaN is let through.
        error = codes @ dictionary.atoms
        error -= dictionary.center(X)
        fit = _mean(np.einsum("ij,ij->i", error, error), share) / 2
        if not np.isfinite(fit):
            return LossResult(fit, {"fit": fit, "penalty": np.nan}, np.full_like(codes, np.nan), {})
        cost = _mean(self.penalty.value(codes), share)
        dcodes = error @ dictionary.atoms.T
        dcodes += self.penalty.grad(codes)
        dcodes *= share
        grads = {}
        if dictionary_grads:
            error *= share
            grads["atoms"] = codes.T @ error
            if dictionary.offset is not None:
                grads["offset"] = error.sum(axis=0)
        return LossResult(fit + cost, {"fit": fit, "penalty": cost}, dcodes, grads)


def _shares(sample_weight, codes):
    """What each sample counts in a mean, shape (n_samples, 1), or one number for all."""
    if sample_weight is None:
        return codes.dtype.type(1 / len(codes))
    share = np.asarray(sample_weight, dtype=np.float64)
    return (share / share.sum()).astype(codes.dtype)[:, None]


def _mean(values, share):
    if np.ndim(share) == 0:
        return float(values.mean(dtype=np.float64))
    return float(values.astype(np.float64) @ share[:, 0].astype(np.float64))
