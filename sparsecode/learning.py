"""The learning loop: code a batch, update the dictionary, again."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from sparsecode._parallel import single_threaded_blas
from sparsecode.dictionary import Dictionary
from sparsecode.objective import objective


@dataclass(frozen=True)
class LearningState:
    """What is known after a batch: enough to stop there, or to go on later.

    Attributes
    ----------
    dictionary : Dictionary
    stats : object
        Statistics of the update.
    n_iter : int
        Batches seen since the statistics were made.
    objective : float
        Mean objective of the batch, with the dictionary it was coded with.
    seconds : float
        Time since the loop began.
    """

    dictionary: Dictionary
    stats: object
    n_iter: int
    objective: float
    seconds: float


def alternate(encoder, dictionary, batches, *, update, stats=None, n_iter=0, n_jobs=None):
    """Learn a dictionary: code each batch, then update the atoms; yields after every batch.

    The caller holds the last state, so a loop that is interrupted loses at most one batch.

    Parameters
    ----------
    encoder : Exact
        Codes a batch, and knows the penalty of the objective.
    dictionary : Dictionary
        Where to start.
    batches : iterable of ndarray of shape (n_samples, n_features)
        Consumed one at a time; may be a generator that never ends.
    update : Update
    stats : object or None, default=None
        Statistics to continue from; None starts with ``update.init(dictionary)``.
    n_iter : int, default=0
        Batches already behind the statistics.
    n_jobs : int or None, default=None
        Threads of the coding; the answer does not depend on it.

    Yields
    ------
    state : LearningState

    Raises
    ------
    FloatingPointError
        If the atoms become NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Exact
    >>> from sparsecode.learning import alternate
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.updates import GradientUpdate
    >>> X = np.eye(4)
    >>> start = Dictionary.random(4, 4, random_state=0)
    >>> states = list(alternate(Exact(L1(0.1)), start, [X] * 50, update=GradientUpdate(lr=1.0)))
    >>> states[-1].objective < states[0].objective
    True
    """
    stats = update.init(dictionary) if stats is None else stats
    begin = time.perf_counter()
    for X in batches:
        # One BLAS thread: products rounded the same way whatever the number of cores.
        with single_threaded_blas():
            codes = encoder.encode(X, dictionary, n_jobs=n_jobs)
            if not np.isfinite(codes).all():
                raise FloatingPointError(_DIVERGED)
            cost = float(objective(X, codes, dictionary, encoder.penalty, n_jobs=1).mean())
            if not np.isfinite(cost):
                raise FloatingPointError(_DIVERGED)
            dictionary, stats = _updated(update, X, codes, dictionary, stats)
        n_iter += 1
        yield LearningState(dictionary, stats, n_iter, cost, time.perf_counter() - begin)


_DIVERGED = (
    "the dictionary diverged: an atom became NaN or infinite. Lower the learning rate, let the "
    "solver converge further, or rescale X."
)


def _updated(update, X, codes, dictionary, stats):
    try:
        return update.update(X, codes, dictionary, stats)
    except ValueError as error:
        if np.isfinite(X).all() and np.isfinite(codes).all():
            raise FloatingPointError(_DIVERGED) from error
        raise
