"""Orthogonal matching pursuit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode.solvers.greedy.base import Greedy


@dataclass
class OMP(Greedy):
    """Orthogonal matching pursuit (OMP), for `KSparse`.

    Looks for ``min_z 1/2 ||x - offset - z @ atoms||^2`` over codes of few nonzeros: chooses the
    atom that correlates best with the residual, as a cosine, so that norms of atoms do not matter,
    projects the sample on all chosen atoms, and goes on until the sample has its `n_nonzero` atoms
    or its `error`. The answer is the best code on its support; whether the support is the best one
    is known only for incoherent dictionaries. `OLS` chooses better for little more time.

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
    Y. Pati, R. Rezaiifar and P. Krishnaprasad, "Orthogonal matching pursuit: recursive function
    approximation with applications to wavelet decomposition", 1993.
    R. Rubinstein, M. Zibulevsky and M. Elad, "Efficient implementation of the K-SVD algorithm
    using batch orthogonal matching pursuit", 2008.
    J. Tropp, "Greed is good: algorithmic results for sparse approximation", 2004.

    Examples
    --------
    >>> from sparsecode.penalties import KSparse
    >>> from sparsecode.solvers import OMP
    >>> atoms = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]
    >>> OMP().solve([[3.0, 4.1]], atoms, KSparse(1)).codes.round(2)
    array([[0.  , 0.  , 5.08]])
    >>> OMP().solve([[3.0, 4.1]], atoms, KSparse(None, error=1e-9)).n_iter
    array([2])
    """

    tol: float = 1e-6

    _by_reduction: ClassVar[bool] = False
