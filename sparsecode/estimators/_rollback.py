"""Rollback of a fit that is refused, or fails before it learns anything."""

from __future__ import annotations

from contextlib import contextmanager


@contextmanager
def unchanged_on_error(estimator):
    """Take back what is set on an estimator inside, if that ends with an error.

    For what comes before learning: an interrupt keeps what was done, as it does while learning.
    """
    before = dict(vars(estimator))
    try:
        yield
    except Exception:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
