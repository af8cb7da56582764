"""What every estimator of codes shares: transform, its inverse, and the score."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sparsecode._rows import is_on_disk
from sparsecode._validation import FLOAT_DTYPES, is_checked
from sparsecode.encoders import Exact
from sparsecode.objective import certify, objective


class SparseCodingEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the transformers whose output are codes.

    A subclass sets `dictionary_` in `fit` and defines `_transform_encoder`, the `Exact` encoder
    that `transform`, `score` and `certify` use, so that all three mean the same problem.
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
        X = self._check_X(X)
        return -objective(
            X,
            self._encode(X),
            self.dictionary_,
            self._transform_encoder().penalty,
            missing=self._missing,
            n_jobs=self._n_jobs,
        )

    def certify(self, X):
        """Certificate of the codes that `transform` gives for `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        certificate : Certificate
        """
        X = self._check_X(X)
        return certify(
            X,
            self._encode(X),
            self.dictionary_,
            self._transform_encoder().penalty,
            missing=self._missing,
            n_jobs=self._n_jobs,
        )

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
        """`X` checked as scikit-learn does it; see `sparsecode._rows` for what is not copied.

        Unless `read`, the values of a memory map are left for a solver to check.
        """
        if is_on_disk(X) and X.ndim == 2 and X.dtype.kind in "fiu" and not read:
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        if is_checked(X) and (not sparse.issparse(X) or self._takes_sparse):
            # Names and number of features are still to be compared with those of `fit`.
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X if sparse.issparse(X) else np.asarray(X)
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr" if self._takes_sparse else False,
            dtype=FLOAT_DTYPES,
            order=None,
            ensure_all_finite="allow-nan" if self._missing else True,
        )

    def _transform_encoder(self) -> Exact:
        raise TypeError(f"{type(self).__name__} must define _transform_encoder.")


def for_callbacks(X, y):
    """Return `y`, or zeros in place of None: `ScoringMonitor` records nothing without one."""
    return np.zeros(X.shape[0]) if y is None else y
