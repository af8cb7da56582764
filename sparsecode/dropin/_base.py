"""Base of the drop-in transformers: coding, decoding, and names of their output."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sparsecode._parameters import Parameterized
from sparsecode._validation import FLOAT_DTYPES, check_named_array, check_samples
from sparsecode.dropin.encoding import ALGORITHMS, check_positive, sparse_encode

# Values that scikit-learn accepts for the common parameters.
CODING_CONSTRAINTS = {
    "transform_algorithm": [ALGORITHMS],
    "transform_n_nonzero_coefs": [Interval(Integral, 1, None, closed="left"), None],
    "transform_alpha": [Interval(Real, 0, None, closed="left"), None],
    "split_sign": ["boolean"],
    "n_jobs": [Integral, None],
    "positive_code": ["boolean"],
    "transform_max_iter": [Interval(Integral, 0, None, closed="left")],
}


class DropInCoder(Parameterized, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the drop-in transformers. A subclass has scikit-learn's parameters, and `_atoms`."""

    # Estimator of this package that takes missing entries and sparse matrices.
    _takes_more = "DictionaryLearning"

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Code every sample by `transform_algorithm`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
            With `split_sign` of shape (n_samples, 2 * n_components): the positive parts of the
            codes, then the negative parts, both as non-negative numbers.
        """
        check_is_fitted(self)
        check_positive(self.transform_algorithm, self.positive_code, "positive_code")
        X = self._checked(X, reset=False)
        code = sparse_encode(
            X,
            self._atoms,
            algorithm=self.transform_algorithm,
            n_nonzero_coefs=self.transform_n_nonzero_coefs,
            alpha=self._transform_alpha,
            max_iter=self.transform_max_iter,
            n_jobs=self.n_jobs,
            positive=self.positive_code,
        )
        return self._split(code)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Reconstruct samples from their codes, in the form that `transform` returns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            With `split_sign` of shape (n_samples, 2 * n_components).

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        code = check_named_array(X, "X", dtype=FLOAT_DTYPES)
        if code.shape[1] != self._n_features_out:
            raise ValueError(
                "The number of components in the code is different from the number of components "
                f"in the dictionary. Expected {self._n_features_out}, got {code.shape[1]}. Pass "
                "what transform returned."
            )
        if self.split_sign:
            positive, negative = np.split(code, 2, axis=1)
            code = positive - negative
        return code @ self._atoms

    def _checked(self, X, **options):
        """Samples checked as by scikit-learn; error messages name an estimator that takes more."""
        cls = f"sparsecode.{self._takes_more}"
        return check_samples(
            self,
            X,
            fill=f"Fill them in first, or use {cls} with missing='mask'.",
            dense=f"Pass X.toarray(), or use {cls}, which takes sparse matrices.",
            **options,
        )

    def _split(self, code):
        """Codes for output: with `split_sign`, positive and negative parts in separate columns."""
        if self.split_sign:
            return np.concatenate([np.maximum(code, 0), np.maximum(-code, 0)], axis=1)
        return code

    @property
    def _transform_alpha(self):
        return self.transform_alpha

    @property
    def _n_features_out(self):
        return (2 if self.split_sign else 1) * len(self._atoms)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
