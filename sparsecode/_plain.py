"""Conversion of parameters to Python numbers, from NumPy scalars or fractions.

A NumPy integer can overflow (``uint8(100) * 3`` is 44), and kernels do not take small ones as
floats. So a number becomes a Python number where it is stored, and later code only sees this one.
"""

from __future__ import annotations

import dataclasses
import functools
import numbers

import numpy as np

# Python numbers that NumPy can convert; a larger integer would become an object array.
_LARGEST = 2**63 - 1


def plain(value):
    """Return a number as a Python bool, int or float, also in a tuple; other values unchanged.

    Integers beyond 64 bits become floats. Plain values are returned themselves, which
    scikit-learn's `clone` relies on.

    Examples
    --------
    >>> import numpy as np
    >>> plain((np.uint8(200), np.float32(0.5), "auto"))
    (200, 0.5, 'auto')
    """
    kind = type(value)
    if kind is float or kind is bool or kind is str or value is None:
        return value
    if kind is int and -_LARGEST <= value <= _LARGEST:
        return value
    if kind is tuple:
        entries = tuple(plain(entry) for entry in value)
        same = all(new is old for new, old in zip(entries, value, strict=True))
        return value if same else entries
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, numbers.Real):
        return _plain_real(value)
    return value


def _plain_real(value):
    if isinstance(value, numbers.Integral):
        whole = int(value)
        if abs(whole) <= _LARGEST:
            return value if type(value) is int else whole
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def plain_arguments(function):
    """Wrap a function so that it gets plain numbers as arguments."""

    @functools.wraps(function)
    def wrapper(*arguments, **named):
        return function(*map(plain, arguments), **{k: plain(v) for k, v in named.items()})

    return wrapper


def make_plain(frozen):
    """Convert the fields of a frozen dataclass to plain numbers, in its ``__post_init__``."""
    for field in dataclasses.fields(frozen):
        object.__setattr__(frozen, field.name, plain(getattr(frozen, field.name)))
