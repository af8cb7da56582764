"""The lasso with weight 0: the least squares fit of smallest l1 norm, for each sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sparsecode.debiasing import debias
from sparsecode.dictionary import promote
from sparsecode.encoders import Exact
from sparsecode.penalties import L1
from sparsecode.solvers import FeatureSign, Homotopy

# Weight below the last corner of the path of decreasing weights, and largest correlation that
# the best fit may leave. Both are relative to the largest correlation of the sample.
_WEIGHT, _LEFT = 1e-10, 1e-9
# For samples that leave the path: relative duality gap at the weight of `_SEARCHED`.
_SEARCHED, _TOL = 1e-8, 1e-11


def least_l1_codes(X, dictionary, *, positive=False, init=None, max_iter=1000, n_jobs=None):
    """Code every row by the least squares fit of smallest l1 norm, the end of the lasso path.

    The computation is in float64, and each row is scaled separately, so that rows do not affect the
    codes of other rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    dictionary : Dictionary
    positive : bool, default=False
        Whether codes must be non-negative.
    init : array-like of shape (n_samples, n_components) or None, default=None
        Codes to start from.
    max_iter : int, default=1000
        Maximum number of corners of the path, and of iterations for a sample that leaves it.
    n_jobs : int or None, default=None
        Threads; None uses all cores.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_components)
        float32 only if X and the dictionary both are.

    Warns
    -----
    ConvergenceWarning
        If samples stopped at `max_iter`.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.dropin._least_l1 import least_l1_codes
    >>> least_l1_codes(np.array([[2.0, 1.0]]), Dictionary([[1.0, 0.0], [2.0, 2.0]])).round(6)
    array([[1. , 0.5]])
    """
    dtype, double = promote(dictionary, X).dtype, dictionary.astype(np.float64)
    X = np.asarray(X, dtype=np.float64)
    correlations = np.abs(double.correlate(X))
    scale = correlations.max(axis=1, keepdims=True)
    scale[scale == 0] = 1
    X = X / scale
    options = {"codes": None if init is None else init / scale, "n_jobs": n_jobs}
    path = Homotopy(max_iter=max_iter, tol=0.0)
    codes = path.solve(X, double, L1(_WEIGHT, positive=positive), **options).codes
    codes = _fitted(X, codes, double, positive, n_jobs)
    off = np.flatnonzero(_correlation_left(X, codes, double, positive) > _LEFT)
    if off.size:
        search = FeatureSign(max_iter=max_iter, tol=_TOL)
        found = search.solve(
            X[off], double, L1(_SEARCHED, positive=positive), codes=codes[off], n_jobs=n_jobs
        ).codes
        codes[off] = _fitted(X[off], found, double, positive, n_jobs)
    return (codes * scale).astype(dtype)


def _fitted(X, codes, dictionary, positive, n_jobs):
    """Least squares on the supports, then once more on the residual to reduce rounding errors."""
    fit = debias(X, codes, dictionary, positive=positive, n_jobs=n_jobs)
    fit += debias(X - fit @ dictionary.atoms, fit, dictionary, n_jobs=n_jobs)
    return np.maximum(fit, 0) if positive else fit


def _correlation_left(X, codes, dictionary, positive):
    """Largest correlation of each residual with an atom that could still reduce it."""
    left = dictionary.correlate(X - codes @ dictionary.atoms)
    return np.where(codes != 0, np.abs(left), left if positive else np.abs(left)).max(axis=1)


@dataclass
class LeastL1(Exact):
    """`least_l1_codes` as the encoder of a learner; its penalty is `L1` of weight 0."""

    max_iter: int = 1000

    def encode(self, X, dictionary, *, codes=None, missing=False, sparse_output=False, n_jobs=None):
        if missing:
            raise TypeError("LeastL1 takes no missing entries; fill them in first.")
        found = least_l1_codes(
            X,
            dictionary,
            positive=self.penalty.positive,
            init=codes,
            max_iter=self.max_iter,
            n_jobs=n_jobs,
        )
        return sparse.csr_array(found) if sparse_output else found
