"""Named tuples of arguments of kernels; numba types each of them by its class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Task(NamedTuple):
    """Samples of a block in the Gram domain.

    Correlations have shape (n_samples, n_components), half the squared norms of the samples
    (n_samples,). `gram` may be ``atoms.T`` in place of a Gram matrix.
    """

    corr: np.ndarray
    half_squared_norm: np.ndarray
    gram: np.ndarray


class StopRule(NamedTuple):
    """The rule by which a sample is done.

    `tol` bounds the relative duality gap if `by_gap`, else the scaled stationarity residual, for
    which `lipschitz` bounds the eigenvalues of the Gram matrix.
    """

    by_gap: bool
    lipschitz: float
    tol: float
    max_iter: int


class Answer(NamedTuple):
    """Arrays of a block to fill in, as in `Block`."""

    codes: np.ndarray
    n_iter: np.ndarray
    stop: np.ndarray
    history: np.ndarray
    proven: np.ndarray
