"""Targets of samples: arrays beside them, or entries of the tuples that an iterator gives."""

from __future__ import annotations

import numpy as np

from sparsecode._validation import check_named_array, float_dtypes, is_checked, wrong


def as_item(X, y):
    """Samples and targets as one tuple, or the iterator that gives such tuples.

    Raises
    ------
    ValueError
        If there are targets besides an iterator.
    """
    if not hasattr(X, "__next__"):
        return X, y
    if y is not None:
        raise ValueError(
            "y was given with an iterator of batches; expected None. Let the iterator give "
            "tuples of samples and targets."
        )
    return X


def split_item(item, name):
    """Samples and targets of a tuple, not checked.

    Raises
    ------
    ValueError
        If it is none, or there are no targets; told of the estimator `name`.
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
    """Raise TypeError if a batch of an iterator has targets, and there are to be none."""
    if isinstance(item, tuple) and len(item) > 0 and np.ndim(item[0]) == 2:
        raise TypeError(
            wrong(
                "batch of the iterator",
                got=f"a tuple of {len(item)}",
                expected="an array of samples, as there are no targets",
                remedy="Give the samples alone, or use a Transcoder.",
            )
        )


def check_targets(y):
    """Targets as rows, dense or CSR, and whether they were given as one number a sample."""
    if not is_checked(y):
        y = check_named_array(
            y, "y", accept_sparse="csr", dtype=float_dtypes(y), order=None, ensure_2d=False
        )
    return (y.reshape(-1, 1), True) if y.ndim == 1 else (y, False)
