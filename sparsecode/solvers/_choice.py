"""Which solver is used when none is named."""

from __future__ import annotations

from sparsecode.penalties import L1, ElasticNet, KSparse
from sparsecode.solvers.feature_sign import FeatureSign, has_free_atoms
from sparsecode.solvers.fista import FISTA
from sparsecode.solvers.omp import OMP
from sparsecode.solvers.smooth import ConjugateGradient


def choose_solver(penalty):
    """Return the default solver for a penalty: the fastest here that handles it.

    l1 and elastic-net penalties get `FeatureSign`, unless an l1 weight is zero, smooth penalties
    `ConjugateGradient`, the constraint `KSparse` gets `OMP`, all others `FISTA`.

    Parameters
    ----------
    penalty : Penalty

    Returns
    -------
    solver : Solver

    Examples
    --------
    >>> from sparsecode.penalties import L0, L1
    >>> from sparsecode.solvers import choose_solver
    >>> type(choose_solver(L1())).__name__, type(choose_solver(L0())).__name__
    ('FeatureSign', 'FISTA')
    """
    if isinstance(penalty, KSparse):
        return OMP()
    if penalty.smooth:
        return ConjugateGradient()
    if isinstance(penalty, (L1, ElasticNet)) and not has_free_atoms(penalty):
        return FeatureSign()
    return FISTA()
