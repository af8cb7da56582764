"""Units of samples: moments that a model takes out of its samples, and reconstructions with them.

Methods of `SparseAutoencoder`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sparsecode._collections import by_chunks, refuse_collection
from sparsecode._messages import wrong
from sparsecode._row_blocks import dense_rows
from sparsecode._sample_moments import sample_moments
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_matrix, common_dtype

_BLOCK = 4096


@by_chunks("coding.input_moments")
def input_moments(self: Any, X: MatrixLike) -> np.ndarray:
    """Compute mean and deviation of each sample, which `inverse_transform` puts back.

    With ``scale_inputs="layer_norm"`` a code says nothing of the mean and the standard deviation of
    its sample: keep them beside the codes.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    moments : ndarray of shape (n_samples, 2)
        Mean over features, and standard deviation of ``n_features - 1`` degrees of freedom. 0 and
        1 for all samples if the model has another `scale_inputs`. float32 if `X` is, else float64.

    Examples
    --------
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.datasets import make_sparse_signals
    >>> X = make_sparse_signals(100, 20, 10, n_nonzero=2, random_state=0).X
    >>> model = SparseAutoencoder(20, alpha=0.1, scale_inputs="layer_norm", random_state=0).fit(X)
    >>> moments = model.input_moments(X)
    >>> model.inverse_transform(model.transform(X), moments).shape
    (100, 10)
    """
    X = self._check_X(X)
    if self._model.normalizes:
        return moments_of(X)
    return np.tile(np.array([0, 1], dtype=common_dtype(X)), (X.shape[0], 1))


@by_chunks("coding.inverse_transform")
def inverse_transform(self: Any, X: MatrixLike, moments: ArrayLike | None = None) -> np.ndarray:
    """Reconstruct samples from codes.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_components)
        Codes.
    moments : array-like of shape (n_samples, 2) or None, default=None
        Mean and deviation of each sample, from `input_moments`: reconstructions are multiplied by
        the deviation, and the mean is added. Only a model with ``scale_inputs="layer_norm"`` needs
        them.

    Returns
    -------
    X_hat : ndarray of shape (n_samples, n_features)
        Reconstructions, including the activation of the decoder if it has one.

    Raises
    ------
    ValueError
        If the model needs moments and there are none, or they do not fit the codes.
    """
    check_is_fitted(self)
    moments = check_moments(self._model, moments)
    X_hat = self._model.decode(X)
    if moments is None:
        return X_hat
    if len(moments) != len(X_hat):
        raise ValueError(
            f"moments has {len(moments)} rows but there are {len(X_hat)} codes; expected one row "
            "for each. Give input_moments of the samples of these codes."
        )
    return with_moments(X_hat, moments.astype(X_hat.dtype, copy=False))


def moments_of(X):
    """Mean and deviation of each sample, shape (n_samples, 2)."""
    moments = np.empty((X.shape[0], 2), dtype=common_dtype(X))
    for start in range(0, X.shape[0], _BLOCK):
        rows = slice(start, start + _BLOCK)
        moments[rows] = sample_moments(dense_rows(X, rows, moments.dtype))
    return moments


def check_moments(model, moments):
    """Return moments as an array, or None if there are none and the model needs none."""
    refuse_collection(moments, "Pass moments.compute().", name="moments", expected="an array")
    if moments is None:
        if model.normalizes:
            raise ValueError(
                "moments is None but scale_inputs of the model is 'layer_norm', so that codes lack "
                "mean and deviation of their samples; expected both for each sample. Use "
                "inverse_transform(codes, model.input_moments(X))."
            )
        return None
    moments = check_matrix(moments, "moments", n_columns=2, columns_are="moments")
    if (moments[:, 1] < 0).any():
        raise ValueError(
            wrong(
                "moments",
                got=f"{np.count_nonzero(moments[:, 1] < 0)} negative deviations",
                expected="a mean and a deviation of at least 0 for each sample",
                remedy="Give what input_moments returns.",
            )
        )
    return moments


def with_moments(X_hat, moments):
    """Reconstructions of normalised samples times their deviations, plus their means."""
    return X_hat * moments[:, 1:] + moments[:, :1]
