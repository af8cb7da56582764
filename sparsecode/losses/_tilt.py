"""Tilted means of losses, which count samples of a large loss more."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse


def tilted_mean(losses, share, tilt):
    """Return ``log(mean(exp(tilt * losses))) / tilt``, and its derivatives.

    Parameters
    ----------
    losses : ndarray of shape (n_samples,)
    share : ndarray of shape (n_samples, 1), or float
        Weight of each sample in the mean.
    tilt : float
        Not 0.

    Returns
    -------
    mean : float
    factors : ndarray of shape (n_samples,)
        Derivative of the mean in each loss, divided by the share of the sample.
    """
    weights = np.broadcast_to(np.asarray(share, dtype=np.float64), (len(losses), 1))[:, 0]
    exponents = tilt * losses
    largest = exponents[weights > 0].max(initial=-np.inf)
    # A sample of weight 0 has no part in it, whatever its loss.
    factors = np.exp(np.minimum(exponents - largest, 0.0))
    total = float(weights @ factors)
    return (largest + math.log(total)) / tilt, factors / total


def times_rows(factors, array):
    """Return the rows of an array, or the entries of a CSR array, times a factor for each row."""
    factors = factors.astype(array.dtype)
    if not sparse.issparse(array):
        return array * factors[:, None]
    values = array.data * np.repeat(factors, np.diff(array.indptr))
    return sparse.csr_array((values, array.indices, array.indptr), shape=array.shape)
