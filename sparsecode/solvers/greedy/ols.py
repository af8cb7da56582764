"""Orthogonal least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode.solvers.greedy.base import Greedy


@dataclass
class OLS(Greedy):
    """Orthogonal least squares (OLS), for `KSparse`; some libraries call it OMP.

    Looks for ``min_z 1/2 ||x - offset - z @ atoms||^2`` over codes of few nonzeros: chooses the
    atom with which the error becomes smallest, projects the sample on all chosen atoms, and goes on
    until the sample has its `n_nonzero` atoms or its `error`. `OMP` looks at the angle between
    atom and residual instead, and so prefers atoms that resemble the chosen ones more than it
    should; on coherent dictionaries OLS leaves a smaller error with as many atoms. The answer is
    the best code on its support.

    With the Gram matrix and `k` atoms a sample costs ``O(k^2 n_components)``, besides its
    correlations. Atoms that depend linearly on the chosen ones, such as copies of them, are passed
    over. Where codes to start from are given, the atoms of their support enter first, largest
    first, but for those that do not reduce the error. A sample with missing entries costs
    ``O(k n_components n_features)`` more; so does one for whose residual, or whose atoms, the Gram
    matrix is too coarse: in float32 it is coded in float64, and without that matrix if need be.

    Parameters
    ----------
    tol : float, default=1e-6
        A sample also stops when no atom is left that reduces its squared error by more than
        ``tol^2`` of what it is; 0 to 1. The least that counts is what rounding leaves of it.

    Notes
    -----
    `n_iter` is the number of atoms chosen. Codes are least squares on their support, computed in
    float64 where float32 would not do, and a target counts as reached if the residual of the codes
    as they are returned, in float64, is within it. Otherwise there is a ConvergenceWarning.

    References
    ----------
    S. Chen, S. Billings and W. Luo, "Orthogonal least squares methods and their application to
    non-linear system identification", 1989.
    L. Rebollo-Neira and D. Lowe, "Optimized orthogonal matching pursuit approach", 2002.

    Examples
    --------
    >>> from sparsecode.penalties import KSparse
    >>> from sparsecode.solvers import OLS
    >>> atoms = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]
    >>> OLS().solve([[3.0, 4.1]], atoms, KSparse(1)).codes.round(2)
    array([[0.  , 0.  , 5.08]])
    """

    tol: float = 1e-6

    _by_reduction: ClassVar[bool] = True
