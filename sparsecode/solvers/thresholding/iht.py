"""Normalised iterative hard thresholding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode.solvers.thresholding.base import HardThresholding


@dataclass
class IHT(HardThresholding):
    """Normalised iterative hard thresholding (IHT), for `KSparse` without an error target.

    Looks for ``min_z 1/2 ||x - offset - z @ atoms||^2`` over codes of at most `n_nonzero` nonzeros:
    repeats a gradient step and the projection on these codes. The step is exact along the gradient
    on the support, and shorter where the support changes, so that the objective never increases.
    It may leave a support that it has once chosen, which `OMP` and `OLS` cannot, and so can improve
    their codes when it starts from them. Atoms should have similar norms.

    An iteration costs one row of the Gram matrix for each nonzero; on a support that stays, the
    error shrinks by a constant factor an iteration.

    Parameters
    ----------
    max_iter : int, default=2000
        Most iterations a sample may take.
    tol : float or None, default=None
        A sample stops when the next step would move no coefficient by more than this share of its
        largest correlation ``max|x @ atoms.T|``, in units of the step. Such a code has a scaled
        stationarity residual of at most twice as much; see `Certificate`. None is 1e-6 for codes
        in float64, 5e-5 in float32. 0 runs `max_iter` iterations.

    References
    ----------
    T. Blumensath and M. Davies, "Iterative hard thresholding for compressed sensing", 2009.
    T. Blumensath and M. Davies, "Normalized iterative hard thresholding: guaranteed stability and
    performance", 2010.

    Examples
    --------
    >>> from sparsecode.penalties import KSparse
    >>> from sparsecode.solvers import IHT
    >>> IHT().solve([[3.0, -0.5, 1.0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], KSparse(2)).codes
    array([[3., 0., 1.]])
    """

    max_iter: int = 2000
    tol: float | None = None

    _projects: ClassVar[bool] = False
