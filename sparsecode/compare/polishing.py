"""Refinement of the codes of any encoder to a certified optimum."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from sparsecode._typing import MatrixLike
from sparsecode.penalties.base import Penalty, check_penalty_instance
from sparsecode.solvers import SolveResult, choose_solver

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


def polish(
    X: MatrixLike,
    codes: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    penalty: Penalty,
    tol: float = 1e-6,
    *,
    n_jobs: int | None = None,
) -> SolveResult:
    """Refine the codes of any encoder to the exact optimum, with a certificate.

    Runs the default solver of the penalty, see `choose_solver`, from these codes. A good start
    saves most of the iterations. A start that is much denser than the optimum can take longer than
    a start from zero.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
        Codes to start from; not written to.
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    penalty : Penalty
        Penalty with its weight `alpha`.
    tol : float, default=1e-6
        Each sample stops at this relative duality gap (convex penalties) or scaled stationarity
        residual (others); see `Certificate`.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Returns
    -------
    result : SolveResult
        With the codes and, in `certificate`, how good they are. float32 only if X and the
        dictionary both are.

    Raises
    ------
    TypeError
        If the penalty has no weight, such as `KSparse`, whose solvers cannot start from codes.
    ValueError
        If shapes do not fit, or a number is NaN, infinite or out of range.

    Warns
    -----
    ConvergenceWarning
        If samples did not reach `tol`.

    Examples
    --------
    >>> from sparsecode.compare import polish
    >>> from sparsecode.penalties import L1
    >>> result = polish([[2.0, 0.1]], [[1.4, -0.2]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5))
    >>> result.codes, result.certificate.gap
    (array([[1.5, 0. ]]), array([0.]))
    """
    if not check_penalty_instance(penalty).weighted:
        raise TypeError(
            f"polish needs a weighted penalty; {type(penalty).__name__} is a constraint, and its "
            "solver cannot start from given codes. Use debias to refit the coefficients of the "
            "codes."
        )
    solver = replace(choose_solver(penalty), tol=tol)
    return solver.solve(X, dictionary, penalty, codes=codes, n_jobs=n_jobs)
