"""Errors of reconstructions: one definition for each name.

Every sum is taken in float64, a block of rows at a time, so that arrays on disk and sparse matrices
are read as they are. `sparsecode.metrics.summary` gives all of them in one pass.
"""

from __future__ import annotations

from sparsecode.metrics._fit import fit_of


def mse(X, X_hat):
    """Mean squared error of an entry.

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


def normalized_mse(X, X_hat):
    """Squared error relative to that of the mean sample: the share of the variance that is missed.

    ``sum ||x - x_hat||^2 / sum ||x - mean(x)||^2``, both sums over all samples: one less
    `explained_variance`.

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


def explained_variance(X, X_hat):
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


def cosine(X, X_hat):
    """Mean cosine between a sample and its reconstruction.

    The mean of ``<x, x_hat> / (||x|| ||x_hat||)`` over the samples that are not 0; where the
    reconstruction is 0, the cosine counts 0. An offset that both have in common makes it large;
    subtract it from both to measure what codes add.

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


def l2_ratio(X, X_hat):
    """Mean norm of a reconstruction, relative to that of its sample: below 1 it is shrunk.

    The mean of ``||x_hat|| / ||x||`` over the samples that are not 0. The best reconstruction on
    few atoms is shorter than the sample too, by what it leaves out, and noise that is left out
    counts; `relative_reconstruction_bias` tells this from shrinkage.

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


def relative_reconstruction_bias(X, X_hat):
    """Common factor by which reconstructions are too long; below 1 they are shrunk.

    The factor ``gamma`` that minimises ``sum ||x - x_hat / gamma||^2``,

        ``gamma = sum ||x_hat||^2 / sum <x, x_hat>``,

    where the derivative in ``1 / gamma`` is zero. It is 1 for reconstructions that no common factor
    makes better, such as least squares fits, and ``c`` for ``c`` times these.

    Parameters
    ----------
    X, X_hat : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    gamma : float
        0 where all reconstructions are 0; infinity where they are not but 0 would be best, as
        ``sum <x, x_hat>`` is 0; negative where that is.

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
