"""Measures of codes and reconstructions, one definition each."""

from __future__ import annotations

import numpy as np

from sparsecode._matching import match_atoms
from sparsecode._validation import check_matrix, check_number


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


def l0(codes, *, threshold=0.0):
    """Number of active coefficients of each sample: those with ``|z| > threshold``.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_components)
    threshold : float, default=0.0
        Codes of a smooth prior are never exactly zero; its scale `sigma` is a natural threshold.

    Returns
    -------
    l0 : ndarray of int of shape (n_samples,)

    Examples
    --------
    >>> from sparsecode.metrics import l0
    >>> l0([[0.0, 2.0, -1.0], [0.0, 0.0, 0.0]])
    array([2, 0])
    """
    check_number(threshold, "threshold", low=0)
    return (np.abs(check_matrix(codes, "codes")) > threshold).sum(axis=1)


def kurtosis(codes):
    """Excess kurtosis of all coefficients together: 0 for a Gaussian, higher when sparser.

    Moments are taken about zero, as sparse coefficients are symmetric by the choice of sign.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_components)

    Returns
    -------
    kurtosis : float
        NaN if all codes are zero.

    References
    ----------
    D. Field, "What is the goal of sensory coding?", 1994.

    Examples
    --------
    >>> from sparsecode.metrics import kurtosis
    >>> kurtosis([[1.0, -1.0, 1.0, -1.0]])
    -2.0
    """
    squares = check_matrix(codes, "codes").astype(np.float64) ** 2
    variance = squares.mean()
    return float((squares**2).mean() / variance**2 - 3) if variance > 0 else float("nan")


def dead_atoms(codes, *, threshold=0.0):
    """Atoms that no sample uses: never ``|z| > threshold``.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_components)
    threshold : float, default=0.0

    Returns
    -------
    indices : ndarray of int

    Examples
    --------
    >>> from sparsecode.metrics import dead_atoms
    >>> dead_atoms([[0.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    array([0])
    """
    check_number(threshold, "threshold", low=0)
    return np.flatnonzero((np.abs(check_matrix(codes, "codes")) <= threshold).all(axis=0))


def atom_recovery(dictionary, truth, *, threshold=0.99):
    """Share of the true atoms that a dictionary has, up to sign, scale and order.

    Atoms are paired one to one so that the sum of absolute cosines is largest; a true atom is
    recovered where that of its pair is above the threshold.

    Parameters
    ----------
    dictionary, truth : Dictionary or array-like of shape (n_components, n_features)
        The numbers of atoms may differ.
    threshold : float, default=0.99

    Returns
    -------
    atom_recovery : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the atoms have different numbers of features.

    References
    ----------
    M. Aharon, M. Elad and A. Bruckstein, "K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation", 2006.

    Examples
    --------
    >>> from sparsecode.metrics import atom_recovery
    >>> atom_recovery([[0.0, -2.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]])
    0.5
    """
    check_number(threshold, "threshold", low=0, high=1)
    truth = check_matrix(getattr(truth, "atoms", truth), "truth")
    atoms = getattr(dictionary, "atoms", dictionary)
    atoms = check_matrix(atoms, "dictionary", n_columns=truth.shape[1])
    cosines = match_atoms(atoms, truth).cosines
    return float(np.count_nonzero(cosines > threshold) / len(truth))
