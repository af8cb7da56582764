"""Wording of error messages: subject, value got, value expected, remedy.

A value in a message is short: of an array it shows the type, shape and dtype, not the entries.
"""

from __future__ import annotations

import reprlib

import numpy as np

# Characters of an object in a message.
_MOST_CHARACTERS = 120
_MOST_ENTRIES = 6


def wrong(subject, *, got, expected, remedy):
    """Word an error message: subject, got, expected, remedy."""
    return f"{subject} is {got}; expected {expected}. {remedy}"


def shown(value):
    """Return a short `repr` of a value for a message; arrays appear as type, shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> shown(np.zeros((3, 2)))
    'an array of shape (3, 2) and dtype float64'
    >>> shown("random"), shown(list(range(1000)))
    ("'random'", '[0, 1, 2, 3, 4, 5, ...]')
    """
    return _SHORT.repr(value)


class _ShortRepr(reprlib.Repr):
    """Short forms of containers and objects, and of the arrays in them."""

    def __init__(self):
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = _MOST_CHARACTERS
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = _MOST_ENTRIES

    def repr1(self, x, level):
        """Return the short form of `x`; arrays, sparse matrices and tables have a shape."""
        shape = None if isinstance(x, type) else getattr(x, "shape", None)
        if not isinstance(shape, tuple) or shape == ():
            return super().repr1(x, level)
        package = type(x).__module__.split(".")[0]
        kind = "an array" if type(x) is np.ndarray else f"a {package}.{type(x).__name__}"
        dtype = getattr(x, "dtype", None)
        return f"{kind} of shape {shape}" + (f" and dtype {dtype}" if dtype is not None else "")


_SHORT = _ShortRepr()
