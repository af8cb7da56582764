"""Rollback of a fit that fails before it learns anything."""

from __future__ import annotations

from contextlib import contextmanager


@contextmanager
def unchanged_on_error(estimator):
    """Context that restores the attributes of an estimator if the block raises an error.

    It is for the steps before learning. An interrupt does not restore them, as during learning.
    """
    before = dict(vars(estimator))
    try:
        yield
    except Exception:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
