"""Initial offsets of learning."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._statistics import geometric_median, mean
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_rows, common_dtype
from sparsecode._values import check_numbers

_MAKERS = {
    "mean": mean,
    "geometric_median": geometric_median,
    "zero": lambda X, sample_weight: np.zeros(X.shape[1]),
}


def initial_offset(
    init: Literal["mean", "geometric_median", "zero"],
    X: MatrixLike,
    sample_weight: np.ndarray | None = None,
) -> np.ndarray:
    """Make the initial offset of learning: mean, geometric median or zero.

    Parameters
    ----------
    init : {"mean", "geometric_median", "zero"}
        "mean"
            The mean of the samples, in one pass over them.
        "geometric_median"
            The point with the smallest sum of distances to the samples. A few distant samples
            hardly move it. It takes up to 200 passes over the samples, usually a few tens.
        "zero"
            Zeros, to be learned.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        A memory map is not loaded, and a sparse matrix not made dense.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weight of each sample; None gives each the weight 1.

    Returns
    -------
    offset : ndarray of shape (n_features,)
        In the dtype of `X`, float32 for float16.

    Raises
    ------
    ValueError
        If `init` is none of these, or `X` holds NaN or infinity.

    References
    ----------
    E. Weiszfeld, "Sur le point pour lequel la somme des distances de n points donnés est minimum",
    1937. Y. Vardi and C.-H. Zhang, "The multivariate L1-median and associated data depth", 2000.

    Examples
    --------
    >>> from sparsecode.initialization import initial_offset
    >>> X = [[0.0, 1.0], [1.0, 0.0], [1.0, 2.0], [2.0, 1.0], [1.0, 9.0]]
    >>> initial_offset("mean", X), initial_offset("geometric_median", X).round(2)
    (array([1. , 2.6]), array([1.  , 1.58]))
    """
    check_offset_name(init)
    X = check_rows(X, "X", halves=True)
    if sample_weight is not None:
        sample_weight = check_numbers(sample_weight, "sample_weight", low=0, shape=X.shape[:1])
    return _MAKERS[init](X, sample_weight).astype(common_dtype(X))


def check_offset_name(init: Any) -> None:
    """Raise ValueError if no initialization of an offset has this name."""
    if not isinstance(init, str) or init not in _MAKERS:
        raise ValueError(
            wrong(
                "init of the offset",
                got=shown(init),
                expected=f"one of {', '.join(map(repr, _MAKERS))}",
                remedy='Use "mean", or give an offset of your own.',
            )
        )
