"""Orthogonal least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode.solvers._greedy import Greedy


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
    first. A sample with missing entries costs ``O(k n_components n_features)``
    more.

    Parameters
    ----------
    tol : float, default=1e-6
        A sample also stops when no atom is left that reduces its error by more than ``tol^2`` of
        what one atom can reduce it by at the start; 0 to 1.

    Notes
    -----
    `n_iter` is the number of atoms chosen. An error target that no atoms reach gives a
    ConvergenceWarning. In float32, squared errors below 2e-6 ``||x||^2`` are rounding and count as
    not reached.

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
