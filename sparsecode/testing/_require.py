"""The assertion of all checks, which ``python -O`` does not remove."""

from __future__ import annotations

import contextlib

import numpy as np


def require(condition, message):
    """Raise AssertionError with `message` unless `condition` holds."""
    if not condition:
        raise AssertionError(message)


def require_close(got, expected, tol, what):
    """Require that two arrays agree to `tol`, relative to the largest expected entry or 1."""
    got, expected = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    require(
        got.shape == expected.shape, f"{what}: got shape {got.shape}, expected {expected.shape}"
    )
    error = np.abs(got - expected).max(initial=0)
    limit = tol * max(1.0, np.abs(expected).max(initial=0))
    require(error <= limit, f"{what}: off by {error:.1e}, expected at most {limit:.1e}")


@contextlib.contextmanager
def naming(subject):
    """Put `subject` in front of the message of an AssertionError raised inside."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{subject}: {error}") from error


def raised_by(expected, function, *args, **kwargs):
    """Return the message of the error that a call raises; require that it raises `expected`."""
    try:
        function(*args, **kwargs)
    except expected as error:
        return str(error)
    raise AssertionError(f"no {expected.__name__} was raised")


def read_only(array):
    """Return a copy of an array that cannot be written to."""
    array = np.array(array)
    array.flags.writeable = False
    return array
