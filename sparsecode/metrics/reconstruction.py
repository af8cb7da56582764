"""How much of the samples a reconstruction explains."""

from __future__ import annotations

import numpy as np

from sparsecode._validation import check_matrix


def explained_variance(X, X_hat):
    """Share of the variance of `X` that a reconstruction explains.

    ``1 - sum ||x - x_hat||^2 / sum ||x - mean(x)||^2``, both sums over all samples.

    Parameters
    ----------
    X, X_hat : array-like of shape (n_samples, n_features)

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
    X = check_matrix(X, "X").astype(np.float64)
    X_hat = check_matrix(X_hat, "X_hat").astype(np.float64)
    if X.shape != X_hat.shape:
        raise ValueError(
            f"X_hat has shape {X_hat.shape}; expected {X.shape}, that of X. Reconstruct the same "
            "samples."
        )
    total = float(((X - X.mean(axis=0)) ** 2).sum())
    if total == 0:
        raise ValueError(
            "X has no variance: all its samples are equal; expected samples that differ. Give more "
            "samples."
        )
    return 1 - float(((X - X_hat) ** 2).sum()) / total
