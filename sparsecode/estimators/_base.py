"""What every estimator of codes shares: transform, its inverse, and the score."""

from __future__ import annotations

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sparsecode._validation import FLOAT_DTYPES, check_codes, check_matrix, wrong
from sparsecode.encoders import Exact
from sparsecode.objective import certify, objective
from sparsecode.penalties import Penalty


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
        X = self._check_X(X)
        return self._transform_encoder().encode(
            X, self.dictionary_, n_jobs=getattr(self, "n_jobs", None)
        )

    def inverse_transform(self, X):
        """Reconstruct samples from codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        codes = check_matrix(X, "codes")
        return self.dictionary_.decode(check_codes(codes, len(codes), self._n_features_out))

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
        X = self._check_X(X)
        codes = self.transform(X)
        return -float(
            objective(X, codes, self.dictionary_, self._transform_encoder().penalty).mean()
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
        return certify(X, self.transform(X), self.dictionary_, self._transform_encoder().penalty)

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

    def _check_X(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=FLOAT_DTYPES, order="C", reset=False)

    def _transform_encoder(self) -> Exact:
        raise TypeError(f"{type(self).__name__} must define _transform_encoder.")


def resolve_penalty(penalty, alpha):
    """Return the penalty an estimator's parameters mean: `penalty` scaled by `alpha`."""
    if isinstance(penalty, type) and issubclass(penalty, Penalty) and penalty is not Penalty:
        penalty = penalty()
    if not isinstance(penalty, Penalty):
        raise TypeError(
            wrong(
                "penalty",
                got=repr(penalty),
                expected="a Penalty, its class or an instance",
                remedy="Use for example penalty=L1 or penalty=L1(positive=True).",
            )
        )
    return penalty.scaled(alpha).checked()
