"""What every estimator of codes shares: transform, its inverse, and the score."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sparsecode._parameters import Parameterized
from sparsecode._row_blocks import is_on_disk
from sparsecode._validation import check_samples, is_checked
from sparsecode.encoders import Encoder
from sparsecode.objective import Certificate, certify, objective
from sparsecode.penalties import Penalty
from sparsecode.training.data import check_weights

# Samples whose dense codes are judged at a time.
_JUDGED = 8192
# Ways out for samples that an estimator does not take.
_MASK = "Set missing='mask' to code each sample by its other entries, or fill them in first."
_FILL = "Fill them in first, or use DictionaryLearning or SparseCoder with missing='mask'."
_DENSE = "Pass X.toarray(), or use DictionaryLearning or SparseCoder, which take sparse matrices."


class CodesEstimator(
    Parameterized,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Base of the transformers whose output are codes, of whatever they describe.

    A subclass sets `dictionary_` in `fit` and defines `_transform_encoder`, the encoder, exact or
    not, that `transform` uses.
    """

    def transform(self, X):
        """Code every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray of shape (n_samples, n_components)
            float32 only if X and the dictionary both are.
        """
        return self._encode(self._check_X(X))

    def inverse_transform(self, X):
        """Reconstruct samples from codes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        return self.dictionary_.decode(X)

    @property
    def components_(self):
        """Atoms of the dictionary, shape (n_components, n_features)."""
        return self.dictionary_.atoms

    @property
    def _n_features_out(self):
        return self.dictionary_.n_components

    def __sklearn_is_fitted__(self):
        return hasattr(self, "dictionary_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # Whether NaN means a missing entry.
    _missing = False

    @property
    def _n_jobs(self):
        return getattr(self, "n_jobs", None)

    def _encode(self, X, **options):
        return self._transform_encoder().encode(X, self.dictionary_, n_jobs=self._n_jobs, **options)

    @property
    def _takes_sparse(self):
        return self.__sklearn_tags__().input_tags.sparse

    def _check_X(self, X):
        check_is_fitted(self)
        return self._validated(X, reset=False)

    def _validated(self, X, *, reset, read=True):
        return validated(
            self, X, reset=reset, read=read, sparse_too=self._takes_sparse, missing=self._missing
        )

    def _check_samples(self, X, sample_weight, *, reset):
        """Samples to learn from, a batch at a time, and their weights."""
        X = self._validated(X, reset=reset, read=False)
        return X, self._check_weights(X, sample_weight)

    def _check_weights(self, X, sample_weight):
        """Weights of samples, or None for 1 each."""
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X, allow_all_zero_weights=True)
            if not sample_weight.any():
                raise ValueError(
                    "sample_weight is zero for all samples; expected a positive weight for some. "
                    "Leave it out to weigh all samples alike."
                )
        return sample_weight

    def _transform_encoder(self) -> Encoder:
        raise TypeError(f"{type(self).__name__} must define _transform_encoder.")


class SparseCodingEstimator(CodesEstimator):
    """Base of the transformers whose codes are those of the samples they are computed from.

    A subclass defines besides `_penalty`, that of the objective which `score` and `certify` judge
    its codes by, so that these and `transform` mean the same problem.
    """

    def score(self, X, y=None):
        """Minus the mean objective of the codes of `X`; higher is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's model selection.

        Returns
        -------
        score : float
        """
        return float(self.score_samples(X).mean())

    def score_samples(self, X):
        """Minus the objective of the code of each sample; higher is better.

        Up to a constant it is the logarithm of a probability density, with noise of variance 1 and
        the penalty as minus the logarithm of a prior.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
        """
        return -np.concatenate(self._judged_by(objective, X))

    def certify(self, X):
        """Certificate of the codes that `transform` gives for `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        certificate : Certificate
        """
        return Certificate.joined(self._judged_by(certify, X))

    def _judged_by(self, judge, X):
        """What `judge` says of the codes of `X`, which are never dense for all samples at once."""
        X, penalty = self._check_X(X), self._penalty()
        # Codes of a smooth penalty have no zeros to leave out.
        step = _JUDGED if penalty.smooth else X.shape[0]
        parts = (X[start : start + step] for start in range(0, X.shape[0], step))
        return [
            judge(
                part,
                self._encode(part, sparse_output=not penalty.smooth),
                self.dictionary_,
                penalty,
                missing=self._missing,
                n_jobs=self._n_jobs,
            )
            for part in parts
        ]

    def _penalty(self) -> Penalty:
        raise TypeError(f"{type(self).__name__} must define _penalty.")


def validated(estimator, X, *, reset, sparse_too, missing, read=True):
    """`X` checked as scikit-learn does it; see `sparsecode._row_blocks` for what is not copied.

    Unless `read`, the values of a memory map are left for a solver to check.
    """
    unread = not read and is_on_disk(X) and X.ndim == 2 and X.dtype.kind in "fiu"
    if unread or (is_checked(X) and (not sparse.issparse(X) or sparse_too)):
        # Names and number of features are still to be compared with those of `fit`.
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X if unread or sparse.issparse(X) else np.asarray(X)
    return check_samples(
        estimator,
        X,
        missing=missing,
        fill=_MASK if hasattr(estimator, "missing") else _FILL,
        dense=_DENSE,
        reset=reset,
        accept_sparse="csr" if sparse_too else False,
        order=None,
    )


def check_features(X, dictionary):
    """Raise ValueError unless samples have the features of the atoms."""
    if X.shape[1] != dictionary.n_features:
        raise ValueError(
            f"X has {X.shape[1]} features but the atoms of the dictionary have "
            f"{dictionary.n_features}; expected the same number. Pass a dictionary learned on "
            "such samples."
        )
