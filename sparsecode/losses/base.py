"""Base class of the losses: a value, its terms, and gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from sparsecode._parameters import Parameterized


class Nothing(Mapping):
    """A mapping without entries, which nothing can be added to and which can be pickled."""

    def __getitem__(self, key):
        raise KeyError(key)

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0

    def __repr__(self):
        return "{}"

    def __eq__(self, other):
        return isinstance(other, Mapping) and not other

    __hash__ = None


NOTHING = Nothing()


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
        where the loss does not depend on it. Atoms of an autoencoder get a `RowGradient`.
    dsignals : dict of str to ndarray or csr_array
        Gradients in the signals of the encoder that the loss read; see `LossContext`.
    reports : dict of str to float
        What the history of training tells besides the terms.
    """

    value: float
    terms: dict
    dcodes: np.ndarray
    grads: dict
    dsignals: Mapping = NOTHING
    reports: Mapping = NOTHING


class LossContext(NamedTuple):
    """What a loss knows besides samples and codes.

    Attributes
    ----------
    step : int
        Steps of training so far, which weights may depend on.
    signals : dict of str to ndarray
        Arrays that the encoder computed on the way to the codes, those that the loss `needs`.
    memory : dict of str to ndarray
        What the loss remembers from batch to batch, made by its `init`; it changes the arrays in
        place, in training only.
    training : bool
        Whether a step is to be taken, not only a judgement.
    target : ndarray of shape (n_samples, n_features) or None
        What the codes are to reconstruct, less the offset; set for the terms of a loss.
    error : ndarray of shape (n_samples, n_features) or None
        Reconstruction less `target`, each row times what its sample counts; likewise.
    reports : dict of str to float
        Where terms put what the history should tell; likewise.
    """

    step: int = 0
    signals: Mapping = NOTHING
    memory: Mapping = NOTHING
    training: bool = False
    target: np.ndarray | None = None
    error: np.ndarray | None = None
    reports: Mapping = NOTHING


class Loss(Parameterized, BaseEstimator):
    """Base of the losses: a dataclass that defines `evaluate`.

    Attributes
    ----------
    uses_target : bool
        Whether the loss compares with a target for each sample.
    takes_sparse : bool
        Whether `codes` may be a CSR array; the gradient is then one of the same entries.
    is_constant : bool
        Whether the loss is the same function at every step, so that values can be compared.
    """

    uses_target: ClassVar[bool] = False
    takes_sparse: ClassVar[bool] = False
    is_constant: ClassVar[bool] = True

    @property
    def needs(self):
        """Names of the signals of an encoder that the loss reads."""
        return ()

    def init(self, dictionary):
        """Return what the loss remembers before the first batch: a dict of arrays."""
        return {}

    def check_encoder(self, encoder):
        """Raise if the loss makes no sense for the codes of an encoder."""

    def __call__(self, X, dictionary, codes, target=None, sample_weight=None):
        """Return the first three entries of `evaluate`: value, terms, and gradient in the codes."""
        return self.evaluate(X, dictionary, codes, target, sample_weight)[:3]

    def evaluate(
        self,
        X,
        dictionary,
        codes,
        target=None,
        sample_weight=None,
        *,
        dictionary_grads=False,
        context=None,
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
        context : LossContext or None, default=None
            None is one without signals and memory, at step 0.

        Returns
        -------
        result : LossResult
        """
        raise TypeError(f"{type(self).__name__} does not define evaluate; every Loss must.")


def shares(sample_weight, codes):
    """What each sample counts in a mean, shape (n_samples, 1), or one number for all."""
    if sample_weight is None:
        return codes.dtype.type(1 / codes.shape[0])
    share = np.asarray(sample_weight, dtype=np.float64)
    return (share / share.sum()).astype(codes.dtype)[:, None]


def weighted_mean(values, share):
    """Mean of one value for each sample, in float64."""
    if np.ndim(share) == 0:
        return float(values.mean(dtype=np.float64))
    return float(values.astype(np.float64) @ share[:, 0].astype(np.float64))
