"""Errors of reconstructions: one definition for each name.

Every sum is taken in float64, a block of rows at a time, so that arrays on disk and sparse matrices
are read as they are. `sparsecode.metrics.summary` gives all of them in one pass.
"""

from __future__ import annotations

from sparsecode._typing import MatrixLike
from sparsecode.metrics._fit import fit_of


def mse(X: MatrixLike, X_hat: MatrixLike) -> float:
    """Mean squared error (MSE) of reconstructions, over all entries.

    ``sum ||x - x_hat||^2 / (n_samples n_features)``, as in scikit-learn.

    Parameters
    ----------
    X, X_hat : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    mse : float

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> from sparsecode.metrics import mse
    >>> mse([[0.0, 0.0], [2.0, 0.0]], [[0.0, 0.0], [2.0, 1.0]])
    0.25
    """
    return fit_of(X, X_hat).mse


def normalized_mse(X: MatrixLike, X_hat: MatrixLike) -> float:
    """Normalized mean squared error: the share of the variance that is not explained.

    ``sum ||x - x_hat||^2 / sum ||x - mean(x)||^2``, both sums over all samples. It is
    ``1 - explained_variance``.

    Parameters
    ----------
    X, X_hat : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    normalized_mse : float
        0 for a perfect reconstruction, 1 for one no better than the mean sample.

    Raises
    ------
    ValueError
        If the shapes differ, or all samples are equal.

    References
    ----------
    L. Gao and others, "Scaling and evaluating sparse autoencoders", 2024.

    Examples
    --------
    >>> from sparsecode.metrics import normalized_mse
    >>> normalized_mse([[0.0, 0.0], [2.0, 0.0]], [[0.0, 0.0], [2.0, 1.0]])
    0.5
    """
    return fit_of(X, X_hat).normalized_mse


def explained_variance(X: MatrixLike, X_hat: MatrixLike) -> float:
    """Share of the variance of `X` that a reconstruction explains.

    ``1 - sum ||x - x_hat||^2 / sum ||x - mean(x)||^2``, both sums over all samples.

    Parameters
    ----------
    X, X_hat : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    explained_variance : float
        1 for a perfect reconstruction, 0 for one no better than the mean sample.

    Raises
    ------
    ValueError
        If the shapes differ, or all samples are equal.

    Examples
    --------
    >>> from sparsecode.metrics import explained_variance
    >>> explained_variance([[0.0, 0.0], [2.0, 0.0]], [[0.0, 0.0], [2.0, 1.0]])
    0.5
    """
    return fit_of(X, X_hat).explained_variance


def cosine(X: MatrixLike, X_hat: MatrixLike) -> float:
    """Mean cosine between a sample and its reconstruction.

    The mean of ``<x, x_hat> / (||x|| ||x_hat||)`` over the samples that are not 0. Where the
    reconstruction is 0, the cosine counts as 0. A common offset of both makes the cosine large;
    subtract it from both to measure the codes alone.

    Parameters
    ----------
    X, X_hat : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    cosine : float
        Between -1 and 1.

    Raises
    ------
    ValueError
        If the shapes differ, or all samples are 0.

    Examples
    --------
    >>> from sparsecode.metrics import cosine
    >>> cosine([[3.0, 4.0], [2.0, 0.0]], [[3.0, 0.0], [1.0, 0.0]])
    0.8
    """
    return fit_of(X, X_hat).cosine


def l2_ratio(X: MatrixLike, X_hat: MatrixLike) -> float:
    """Mean ratio of the norm of a reconstruction to the norm of its sample.

    The mean of ``||x_hat|| / ||x||`` over the samples that are not 0. A ratio below 1 can have two
    causes: shrinkage, or noise and detail that a few atoms leave out. Even the best reconstruction
    on few atoms is shorter than its sample. `relative_reconstruction_bias` measures the shrinkage
    alone.

    Parameters
    ----------
    X, X_hat : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    l2_ratio : float

    Raises
    ------
    ValueError
        If the shapes differ, or all samples are 0.

    Examples
    --------
    >>> from sparsecode.metrics import l2_ratio
    >>> l2_ratio([[3.0, 4.0], [2.0, 0.0]], [[3.0, 0.0], [1.0, 0.0]])
    0.55
    """
    return fit_of(X, X_hat).l2_ratio


def relative_reconstruction_bias(X: MatrixLike, X_hat: MatrixLike) -> float:
    """Relative reconstruction bias: common scale error of reconstructions; below 1 they are shrunk.

    The factor ``gamma`` that minimises ``sum ||x - x_hat / gamma||^2``,

        ``gamma = sum ||x_hat||^2 / sum <x, x_hat>``,

    where the derivative in ``1 / gamma`` is zero. It is 1 for reconstructions that no common factor
    improves, such as least squares fits. Multiplied by ``c``, these have the bias ``c``.

    Parameters
    ----------
    X, X_hat : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    gamma : float
        0 if all reconstructions are 0. Infinity if they are not, but ``sum <x, x_hat>`` is 0.
        Negative if that sum is negative.

    Raises
    ------
    ValueError
        If the shapes differ, or all samples are 0.

    References
    ----------
    S. Rajamanoharan and others, "Improving dictionary learning with gated sparse autoencoders",
    2024.

    Examples
    --------
    >>> from sparsecode.metrics import relative_reconstruction_bias
    >>> relative_reconstruction_bias([[3.0, 4.0], [2.0, 0.0]], [[1.5, 0.0], [1.0, 0.0]])
    0.5
    """
    return fit_of(X, X_hat).relative_reconstruction_bias
