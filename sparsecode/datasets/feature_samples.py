"""Samples of a feature mixture with their true codes, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sparsecode._typing import MatrixLike


class FeatureSamples(NamedTuple):
    """Samples of a mixture and their true codes: ``X = codes @ atoms + offset``.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    codes : csr_array or ndarray of shape (n_samples, n_components)
        Magnitudes of the features that fire, positive, and 0 of all others.

    Examples
    --------
    >>> from sparsecode.datasets import make_feature_mixture
    >>> mixture = make_feature_mixture("1k", n_steps=0, random_state=0)
    >>> mixture.sample(10, random_state=0).X.shape
    (10, 128)
    """

    X: np.ndarray
    codes: MatrixLike


def slices(n: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size` of `n` rows."""
    return (slice(i, i + size) for i in range(0, n, size))


def batch_of(X, codes, rows, with_codes, sparse_output):
    """Return some rows of samples, alone or with their codes."""
    if not with_codes:
        return X[rows]
    part_of = sparse.csr_array(codes[rows])
    return FeatureSamples(X[rows], part_of if sparse_output else part_of.toarray())
