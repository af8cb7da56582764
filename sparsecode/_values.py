"""Checks of values that are no single number: options, instances, lists, arrays of numbers."""

from __future__ import annotations

import numpy as np

from sparsecode._validation import wrong


def check_option(value, name, options):
    """Return `value` if it is one of the strings `options`."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(
            wrong(
                name,
                got=repr(value),
                expected=f"one of {', '.join(map(repr, options))}",
                remedy="Choose one of these.",
            )
        )
    return value


def check_instance(value, name, kinds, expected, remedy):
    """Return `value` if it is an instance of one of the classes `kinds`, else raise TypeError."""
    if not isinstance(value, kinds):
        raise TypeError(wrong(name, got=repr(value), expected=expected, remedy=remedy))
    return value


def check_list(values, name, expected, remedy):
    """Return what `values` holds as a list, if they can be iterated over and are no text."""
    if isinstance(values, (str, bytes, dict)) or not np.iterable(values):
        raise TypeError(wrong(name, got=repr(values), expected=expected, remedy=remedy))
    return list(values)
