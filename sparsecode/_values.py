"""Checks of options, instances, lists and arrays of numbers."""

from __future__ import annotations

import os

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._plain import plain


def check_option(value, name, options):
    """Return `value` if it is one of the strings `options`."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(
            wrong(
                name,
                got=shown(value),
                expected=f"one of {', '.join(map(repr, options))}",
                remedy="Choose one of these.",
            )
        )
    return value


def check_instance(value, name, kinds, expected, remedy):
    """Return `value` if it is an instance of one of the classes `kinds`, else raise TypeError."""
    if not isinstance(value, kinds):
        raise TypeError(wrong(name, got=shown(value), expected=expected, remedy=remedy))
    return value


def check_callable(value, name):
    """Return `value` if it can be called, else raise TypeError."""
    if not callable(value):
        raise TypeError(
            wrong(name, got=shown(value), expected="a function", remedy="Pass a function.")
        )
    return value


def check_list(values, name, expected, remedy):
    """Return the entries of `values` as a list, if it is iterable and not a string."""
    if isinstance(values, (str, bytes, dict)) or not np.iterable(values):
        raise TypeError(wrong(name, got=shown(values), expected=expected, remedy=remedy))
    return list(values)


def as_floats(values, name):
    """Return `values` as a float64 array, or raise if they are no real numbers."""
    try:
        array = np.asarray(plain(values))
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "iuf":
        raise ValueError(
            wrong(
                name,
                got=shown(values),
                expected="real numbers",
                remedy="Give an array of real numbers.",
            )
        )
    return array.astype(np.float64)


def check_numbers(values, name, *, low=None, low_open=False, shape=None):
    """Return `values` as a float64 array of finite numbers in a range, of a shape unless None."""
    array = as_floats(values, name)
    good = array.size > 0 and np.isfinite(array).all() and shape in (None, array.shape)
    if low is not None:
        good = good and (array > low if low_open else array >= low).all()
    if not good:
        of_shape = "" if shape is None else f" of shape {shape}"
        least = "" if low is None else f" {'>' if low_open else '>='} {low}"
        raise ValueError(
            wrong(
                name,
                got=shown(values),
                expected=f"finite numbers{least}{of_shape}",
                remedy=f"Set {name} to such numbers.",
            )
        )
    return array


def check_path(path, name="path"):
    """Return `path` if it is the name of a file: text or path-like, and not empty."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            wrong(name, got=shown(path), expected="a path", remedy="Give the name of a file.")
        )
    return path


def same_values(mine, theirs):
    """Equality of values that may hold arrays."""
    if isinstance(mine, np.ndarray) or isinstance(theirs, np.ndarray):
        return np.array_equal(mine, theirs)
    if type(mine) is not type(theirs):
        return False
    if isinstance(mine, dict):
        return mine.keys() == theirs.keys() and all(
            same_values(mine[key], theirs[key]) for key in mine
        )
    if isinstance(mine, tuple):
        return len(mine) == len(theirs) and all(map(same_values, mine, theirs))
    return mine == theirs


def sorted_labels(labels: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted different labels, and the index of each label in them.

    Raises
    ------
    TypeError
        If the labels cannot be sorted.
    """
    try:
        return np.unique(labels, return_inverse=True)
    except TypeError as error:
        types = sorted({type(label).__name__ for label in labels.tolist()})
        raise TypeError(
            f"{name} has labels of several types, {', '.join(types)}; expected labels that can be "
            "sorted. Give all numbers, or all names."
        ) from error
