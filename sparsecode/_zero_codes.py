"""Warning that all codes are zero, because the weight of the penalty is too large."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._row_blocks import dense_rows
from sparsecode.objective import alpha_max
from sparsecode.penalties.base import resolve_penalty

_BLOCK = 1024


def warn_of_zeros(X, dictionary, penalty, alpha, *, missing=False, learning=True, stacklevel=4):
    """Warn that all codes were zero, and name `alpha_max`, the smallest such weight.

    Parameters
    ----------
    X : array-like or CSR matrix of shape (n_samples, n_features)
    dictionary : Dictionary
    penalty : Penalty or its class
    alpha : float
        Factor of the weight of the penalty.
    missing : bool, default=False
        Whether NaN means a missing entry.
    learning : bool, default=True
        Whether the codes were used for learning.
    stacklevel : int, default=4
        Argument of `warnings.warn`.
    """
    largest, remedy = "", "Lower alpha, for example to a tenth of alpha_max."
    unit = resolve_penalty(penalty, 1.0)
    if unit.convex and unit.alpha > 0:
        most = alpha_max(X, dictionary, unit, missing=missing) / unit.alpha
        largest = f", and alpha_max is {most:.3g}"
        if most == 0:
            remedy = (
                "Check X: it is zero, or penalty and constraint exclude all its signs, so that no "
                "alpha helps."
            )
    lost = "There is nothing to learn from. " if learning else ""
    warnings.warn(
        f"Every code is zero: alpha is {alpha:g}{largest}. {lost}{remedy}",
        ConvergenceWarning,
        stacklevel=stacklevel,
    )


def warn_if_zero(X, codes, dictionary, penalty, alpha, *, missing=False, stacklevel=5):
    """Warn if two or more nonzero samples all have codes of zero.

    The parameters are those of `warn_of_zeros`. There is no warning for one sample, whose code can
    rightly be zero, or for a penalty that is a constraint and has no weight to lower.
    """
    if codes[:1].sum() != 0 or (codes != 0).sum() > 0 or not resolve_penalty(penalty, 1.0).weighted:
        return
    n_nonzero = 0
    for start in range(0, X.shape[0], _BLOCK):
        block = dense_rows(X, slice(start, start + _BLOCK), np.float64)
        n_nonzero += int((np.nan_to_num(block) != 0).any(axis=1).sum())
        if n_nonzero > 1:
            options = {"missing": missing, "learning": False, "stacklevel": stacklevel}
            warn_of_zeros(X, dictionary, penalty, alpha, **options)
            return
