"""Targets of samples: a second array, or the second entries of tuples from an iterator."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_consistent_length

from sparsecode._collections import in_chunks, is_collection
from sparsecode._messages import wrong
from sparsecode._validation import check_named_array, float_dtypes, is_checked


def as_item(X, y):
    """Return samples and targets as one tuple, or the iterator that yields such tuples.

    Raises
    ------
    ValueError
        If targets are given with an iterator.
    """
    if not hasattr(X, "__next__"):
        return X, y
    if y is not None:
        raise ValueError(
            "y is given with an iterator of batches; expected None. Use an iterator of tuples (X, "
            "y) of samples and targets."
        )
    return X


def split_item(item, name):
    """Return the samples and the targets of a tuple, unchecked.

    Raises
    ------
    ValueError
        If it is not a tuple, or has no targets. The message names the estimator `name`.
    """
    if not (isinstance(item, tuple) and len(item) == 2):
        raise ValueError(
            wrong(
                "batch of the iterator",
                got=f"a {type(item).__name__}",
                expected="a tuple (X, y) of samples and targets",
                remedy="Use for example zip(batches_of_X, batches_of_y).",
            )
        )
    if item[1] is None:
        raise ValueError(
            f"This {name} requires y to be passed, but the target y is None. Give the targets of "
            "the samples."
        )
    return item


def refuse_targets(item):
    """Raise TypeError if a batch of an iterator has targets and the estimator takes none."""
    if isinstance(item, tuple) and len(item) > 0 and np.ndim(item[0]) == 2:
        raise TypeError(
            wrong(
                "batch of the iterator",
                got=f"a tuple of {len(item)}",
                expected="an array of samples, as there are no targets",
                remedy="Give the samples alone, or use a Transcoder.",
            )
        )


def check_targets(X, y):
    """Return targets of samples as rows, dense or CSR, and whether they were one-dimensional.

    Raises
    ------
    TypeError
        If only one of both is a Dask collection.
    ValueError
        If their numbers of rows differ, or their chunks.
    """
    if is_collection(X):
        y = in_chunks("streaming.aligned_targets", X, y, "y")
    elif is_collection(y):
        raise TypeError(
            wrong(
                "y",
                got="a Dask collection with samples in memory",
                expected="both of one kind",
                remedy="Pass y.compute(), or dask.array.from_array(X, chunks=(y.chunks[0], -1)).",
            )
        )
    if not is_collection(y) and not is_checked(y):
        y = check_named_array(
            y, "y", accept_sparse="csr", dtype=float_dtypes(y), order=None, ensure_2d=False
        )
    if not is_collection(X):
        check_consistent_length(X, y)
    return (y[:, None], True) if y.ndim == 1 else (y, False)
