"""Which solver is used when none is named."""

from __future__ import annotations

from sparsecode.solvers.fista import FISTA
from sparsecode.solvers.smooth import ConjugateGradient


def choose_solver(penalty):
    """Return the default solver for a penalty: the fastest here that handles it.

    Smooth penalties get `ConjugateGradient`, all others `FISTA`.

    Parameters
    ----------
    penalty : Penalty

    Returns
    -------
    solver : Solver

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import choose_solver
    >>> type(choose_solver(L1())).__name__
    'FISTA'
    """
    return ConjugateGradient() if penalty.smooth else FISTA()
