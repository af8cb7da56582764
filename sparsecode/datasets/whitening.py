"""Whitening of rows, such as patches: zero mean, and a covariance that is the identity."""

from __future__ import annotations

import numbers
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted

from sparsecode._parameters import Parameterized
from sparsecode._typing import MatrixLike

from .._validation import check_integer, check_matrix, check_number, check_samples

_ROWS_AT_A_TIME = 8192
# Of a value of X.
_LARGEST = 1e150
# For samples that are not taken.
_WAYS_OUT = {
    "fill": "Fill them in first.",
    "dense": "Pass X.toarray(): whitening subtracts the mean, after which no zeros are left.",
}


class _CovarianceWhitening(Parameterized, TransformerMixin, BaseEstimator):
    """The principal directions of the data, and the scale along each that whitening divides by."""

    mean_: np.ndarray
    components_: np.ndarray
    scale_: np.ndarray
    n_features_in_: int
    feature_names_in_: np.ndarray

    def _fit_directions(self, X):
        """Set `mean_`, `components_` and `scale_` by falling variance, without empty directions."""
        check_number(self.eps, "eps", low=0)
        X = check_samples(self, X, ensure_min_samples=2, **_WAYS_OUT)
        if max(float(X.max()), -float(X.min())) > _LARGEST:
            raise ValueError(
                f"X has values above {_LARGEST:g}; expected smaller values, as their squares are "
                "computed. Divide X by its largest value."
            )
        mean, covariance = _mean_and_covariance(X)
        variances, directions = np.linalg.eigh(covariance)
        variances = np.maximum(variances[::-1], 0.0)
        directions = directions.T[::-1]
        regularised = variances + self.eps * variances.mean()
        # Below this an eigenvalue is rounding: of the covariance, or of the data themselves.
        n_features = X.shape[1]
        rounding = n_features * max(
            np.finfo(np.float64).eps, n_features * np.finfo(X.dtype).eps ** 2
        )
        kept = regularised > rounding * variances[0]
        if not kept.any():
            raise ValueError(
                f"X has no variance: its {len(X)} rows are all the same, so it cannot be whitened. "
                "Pass rows that differ."
            )
        # eigh leaves the sign open; this makes results the same on every machine.
        largest = np.abs(directions).argmax(axis=1)
        signs = np.sign(directions[np.arange(n_features), largest])
        self.mean_ = mean
        self.components_ = (directions * signs[:, np.newaxis])[kept]
        self.scale_ = np.sqrt(regularised[kept])
        return variances[kept]

    def _check_transform_input(self, X):
        check_is_fitted(self)
        return check_samples(self, X, reset=False, **_WAYS_OUT)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class ZCAWhitening(OneToOneFeatureMixin, _CovarianceWhitening):
    """Whiten rows by zero-phase component analysis (ZCA), which changes the rows least.

    Parameters
    ----------
    eps : float, default=0.0
        Regularisation: `eps` times the mean eigenvalue of the covariance is added to every
        eigenvalue, so `eps` does not depend on the units of the data. 0 whitens exactly. Patches of
        photographs have directions that hold little but noise; 0.01 to 0.1 keeps these small (0.1
        in [2]_).

    Attributes
    ----------
    mean_ : array (n_features,)
    components_ : array (n_directions, n_features)
        Orthonormal principal directions, by falling variance. Directions without any variance are
        left out: rows are whitened within the space they span.
    scale_ : array (n_directions,)
        Divisor of `transform` along each direction: square root of the regularised eigenvalue.
    whitening_ : array (n_features, n_features)
        The symmetric matrix that `transform` multiplies by.
    n_features_in_ : int
    feature_names_in_ : array (n_features,)
        Where `fit` was given string column names.

    References
    ----------
    .. [1] Bell, A. J. and Sejnowski, T. J. (1997). The "independent components" of natural scenes
       are edge filters. Vision Research 37, 3327-3338.
    .. [2] Coates, A., Ng, A. and Lee, H. (2011). An analysis of single-layer networks in
       unsupervised feature learning. AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.datasets import ZCAWhitening
    >>> X = np.random.default_rng(0).normal(size=(500, 3)) @ [[1, 2, 0], [0, 3, 1], [0, 0, 1]]
    >>> whitening = ZCAWhitening().fit(X)
    >>> Z = whitening.transform(X)
    >>> bool(np.allclose(np.cov(Z.T), np.eye(3)))
    True
    >>> bool(np.allclose(whitening.inverse_transform(Z), X))
    True
    """

    whitening_: np.ndarray

    def __init__(self, *, eps: float = 0.0) -> None:
        self.eps = eps

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Estimate the mean and the covariance.

        Parameters
        ----------
        X : array (n_samples, n_features)
            At least two rows. Never written to.
        y : None
            Ignored.

        Returns
        -------
        self : ZCAWhitening

        Raises
        ------
        ValueError
            If `X` holds NaN or infinity, has fewer than two rows, or all its rows are the same.
        """
        self._fit_directions(X)
        self.whitening_ = _symmetric(self.components_, self.scale_)
        return self

    @classmethod
    def _of(cls, mean, components, scale, *, eps):
        """A fitted whitening of its parts."""
        whitening = cls(eps=eps)
        whitening.mean_, whitening.components_, whitening.scale_ = mean, components, scale
        whitening.whitening_ = _symmetric(components, scale)
        whitening.n_features_in_ = components.shape[1]
        return whitening

    def transform(self, X: MatrixLike) -> np.ndarray:
        """Whiten rows: array (n_samples, n_features) to the same shape and dtype."""
        X = self._check_transform_input(X)
        return (X - self.mean_.astype(X.dtype)) @ self.whitening_.astype(X.dtype)

    def inverse_transform(self, X: MatrixLike) -> np.ndarray:
        """Undo `transform`: array (n_samples, n_features) to the same shape and dtype."""
        check_is_fitted(self)
        X = check_matrix(X, "X", n_columns=self.n_features_in_)
        inverse = (self.components_.T * self.scale_) @ self.components_
        return X @ inverse.astype(X.dtype) + self.mean_.astype(X.dtype)


class PCAWhitening(ClassNamePrefixFeaturesOutMixin, _CovarianceWhitening):
    """Whiten rows and reduce their number of features to the principal components.

    Unlike ``sklearn.decomposition.PCA(whiten=True)``, it can be regularised, leaves out
    directions without variance instead of dividing by rounding errors, and forms the covariance
    in float64 for float32 rows.

    Parameters
    ----------
    n_components : int, float or None, default=None
        Number of directions to keep; a float between 0 and 1 keeps the fewest that hold that share
        of the variance; None keeps all that hold any.
    eps : float, default=0.0
        As for `ZCAWhitening`.

    Attributes
    ----------
    mean_ : array (n_features,)
    components_ : array (n_components, n_features)
        Orthonormal principal directions, by falling variance.
    scale_ : array (n_components,)
        Divisor of `transform` along each direction: square root of the regularised eigenvalue.
    n_features_in_ : int
    feature_names_in_ : array (n_features,)
        Where `fit` was given string column names.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.datasets import PCAWhitening
    >>> X = np.random.default_rng(0).normal(size=(500, 3)) @ [[1, 2, 0], [0, 3, 1], [0, 0, 1]]
    >>> Z = PCAWhitening(n_components=2).fit_transform(X)
    >>> bool(np.allclose(np.cov(Z.T), np.eye(2)))
    True
    """

    def __init__(self, n_components: int | float | None = None, *, eps: float = 0.0) -> None:
        self.n_components = n_components
        self.eps = eps

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Estimate the mean and the covariance.

        Parameters
        ----------
        X : array (n_samples, n_features)
            At least two rows. Never written to.
        y : None
            Ignored.

        Returns
        -------
        self : PCAWhitening

        Raises
        ------
        ValueError
            If `X` holds NaN or infinity, has fewer than two rows, all its rows are the same, or it
            has fewer directions with variance than `n_components`.
        """
        variances = self._fit_directions(X)
        n_kept = self._count(variances)
        self.components_ = self.components_[:n_kept]
        self.scale_ = self.scale_[:n_kept]
        return self

    def transform(self, X: MatrixLike) -> np.ndarray:
        """Whiten rows: array (n_samples, n_features) to (n_samples, n_components), same dtype."""
        X = self._check_transform_input(X)
        projection = self.components_.T / self.scale_
        return (X - self.mean_.astype(X.dtype)) @ projection.astype(X.dtype)

    def inverse_transform(self, X: MatrixLike) -> np.ndarray:
        """Undo `transform`: array (n_samples, n_components) to (n_samples, n_features).

        The inverse is exact to rounding within the kept directions. The part of a row outside them
        is replaced by that of the mean.
        """
        check_is_fitted(self)
        X = check_matrix(X, "X", n_columns=len(self.components_), columns_are="components")
        back = self.components_ * self.scale_[:, np.newaxis]
        return X @ back.astype(X.dtype) + self.mean_.astype(X.dtype)

    def _count(self, variances):
        """Resolve `n_components` for directions of these variances."""
        if self.n_components is None:
            return len(variances)
        if not isinstance(self.n_components, numbers.Integral):
            check_number(self.n_components, "n_components", low=0, low_open=True, high=1)
            share = np.cumsum(variances) / np.sum(variances)
            # The last share can be rounded to just under 1.
            return min(int(np.searchsorted(share, self.n_components)) + 1, len(variances))
        check_integer(self.n_components, "n_components")
        if self.n_components > len(variances):
            raise ValueError(
                f"n_components is {self.n_components}, but X has variance in only "
                f"{len(variances)} directions. Ask for fewer components, give more rows, or set "
                "eps above 0."
            )
        return int(self.n_components)

    @property
    def _n_features_out(self):
        return len(self.components_)


def _symmetric(components, scale):
    return (components.T / scale) @ components


def _mean_and_covariance(X):
    """Return both in float64, without a float64 copy of all of `X`."""
    mean = X.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((X.shape[1], X.shape[1]))
    for start in range(0, len(X), _ROWS_AT_A_TIME):
        centred = X[start : start + _ROWS_AT_A_TIME] - mean
        covariance += centred.T @ centred
    covariance /= len(X) - 1
    return mean, covariance
