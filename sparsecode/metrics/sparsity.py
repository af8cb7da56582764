"""Sparsity of codes."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode._binary_scaling import exponent_between, scaled
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_rows
from sparsecode.metrics._counts import canonical, count, sizes_above


def l0(codes: MatrixLike, *, threshold: float = 0.0) -> np.ndarray:
    """Number of active coefficients of each sample: those with ``|z| > threshold``.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
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
    return count(sizes_above(codes, threshold), axis=1)


def kurtosis(codes: MatrixLike) -> float:
    """Excess kurtosis of all coefficients together: 0 for a Gaussian, higher when sparser.

    Moments are taken about zero, as sparse coefficients are symmetric by the choice of sign.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)

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
    codes = canonical(check_rows(codes, "codes"))
    n_entries = codes.shape[0] * codes.shape[1]
    values = codes.data if sparse.issparse(codes) else codes
    # The kurtosis has no unit, so codes may be scaled near 1.
    values = values.astype(np.float64)
    squares = scaled(values, exponent_between([np.abs(values).max(initial=0)])) ** 2
    variance = squares.sum() / n_entries
    return float((squares**2).sum() / n_entries / variance**2 - 3) if variance else float("nan")
