"""Regularization paths: codes for decreasing weights of a penalty, with warm starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from sparsecode._messages import wrong
from sparsecode._summaries import Summarized, gap_or_residual, share
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_flag, check_integer, check_number, check_rows
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.objective import alpha_max
from sparsecode.penalties import L1
from sparsecode.penalties.base import Penalty, resolve_penalty
from sparsecode.solvers import Solver
from sparsecode.solvers._default_solver import resolve_solver

_REMEDY = "Give alphas, such as np.geomspace(1, 0.01, 20)."
# Every weight is a separate problem.
_MOST_ALPHAS = 10_000


@dataclass(frozen=True, eq=False, repr=False)
class CodingPath(Summarized):
    """Regularization path: codes of samples for decreasing weights, with certificates.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        Factors of the weight of the penalty, the largest first. Entry `i` is the same problem as
        ``SparseCoder(dictionary, penalty=penalty, alpha=alphas[i])``.
    codes : ndarray of shape (n_alphas, n_samples, n_components) or list of csr_array
        With ``sparse_output=True`` a list of `n_alphas` CSR arrays of shape (n_samples,
        n_components).
    gaps : ndarray of shape (n_alphas, n_samples) or None
        Duality gaps, as `certify` gives them; None where the penalty is not convex.
    residuals : ndarray of shape (n_alphas, n_samples)
        Stationarity residuals, as `certify` gives them.
    objectives : ndarray of shape (n_alphas, n_samples)
        Value of the problem at each code.
    n_nonzero : ndarray of int of shape (n_alphas, n_samples)
        Nonzeros of each code.
    n_iter : ndarray of int of shape (n_alphas, n_samples)
        Number of iterations, from the code of the previous weight.
    converged : ndarray of bool of shape (n_alphas, n_samples)
        Whether the sample reached the solver's `tol`.
    solver : Solver
        The solver that was used.

    Examples
    --------
    >>> from sparsecode import coding_path
    >>> path = coding_path([[2.0, 0.5]], [[1.0, 0.0], [0.0, 1.0]], alphas=[0.25, 1.0])
    >>> path.alphas, path.n_nonzero.ravel(), type(path.solver).__name__
    (array([1.  , 0.25]), array([1, 2]), 'FeatureSign')
    """

    alphas: np.ndarray
    codes: np.ndarray | list[Any]
    gaps: np.ndarray | None
    residuals: np.ndarray
    objectives: np.ndarray
    n_nonzero: np.ndarray
    n_iter: np.ndarray
    converged: np.ndarray
    solver: Solver

    def _summary(self):
        nonzeros = self.n_nonzero.mean(axis=1)
        return [
            ("weights", f"{len(self.alphas)} from {self.alphas[0]:.3g} to {self.alphas[-1]:.3g}"),
            ("samples", f"{self.n_nonzero.shape[1]:,}"),
            ("nonzeros", f"mean {nonzeros[0]:.3g} to {nonzeros[-1]:.3g}"),
            gap_or_residual(self.gaps, self.residuals),
            ("converged", share(self.converged)),
            ("solver", type(self.solver).__name__),
        ]


def coding_path(
    X: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    *,
    penalty: Penalty | type[Penalty] = L1,
    alphas: int | ArrayLike = 20,
    eps: float = 1e-2,
    solver: Solver | None = None,
    missing: bool = False,
    sparse_output: bool = False,
    n_jobs: int | None = None,
) -> CodingPath:
    """Compute the regularization path: codes of `X` for a decreasing sequence of weights.

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + alpha * penalty(z)`` for each `alpha` in turn,
    starting from the codes of the previous one, and certifies all codes. For a convex penalty the
    codes are those of a start from zero, to within `tol`. For a nonconvex penalty they can differ,
    and the path is the usual way to good local minima. Solvers such as `Homotopy`, which build the
    support from zero, gain nothing from the start.

    The cost is one solve and one certificate for each weight.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    penalty : Penalty or its class, default=L1
        A class stands for its default instance, of weight 1. Each `alpha` multiplies the weight of
        the penalty, as in `SparseCoder`.
    alphas : int or array-like of shape (n_alphas,), default=20
        Weights, in any order, each at least 0. An int, at most 10,000, is the number of weights of
        a geometric grid. The grid starts at the smallest weight at which all codes of `X` are zero,
        see `alpha_max`.
    eps : float, default=1e-2
        Ratio of the smallest weight in that grid to the largest, above 0 and at most 1. It is used
        for a grid only.
    solver : Solver or None, default=None
        None is the solver that `choose_solver` picks for the penalty.
    missing : bool, default=False
        Whether NaN in `X` means a missing entry, which is left out of the fit.
    sparse_output : bool, default=False
        Whether the codes of each weight are a CSR array instead of a dense one.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Returns
    -------
    path : CodingPath

    Raises
    ------
    TypeError
        If the penalty has no weight, or no `alpha_max` where `alphas` is a number, or if the solver
        cannot handle it.
    ValueError
        If a number is out of its range, shapes do not fit, or there is no finite weight above 0 at
        which the grid can start.

    Warns
    -----
    ConvergenceWarning
        From the solver, once for each weight at which samples did not reach its `tol`.

    See Also
    --------
    sparsecode.SparseCoder : Codes for one weight.

    References
    ----------
    J. Friedman, T. Hastie, H. Höfling and R. Tibshirani, "Pathwise coordinate optimization", 2007.

    Examples
    --------
    >>> from sparsecode import Dictionary, coding_path
    >>> from sparsecode.datasets import make_sparse_signals
    >>> dictionary = Dictionary.random(30, 12, random_state=0)
    >>> X = make_sparse_signals(50, n_nonzero=3, dictionary=dictionary, random_state=0).X
    >>> path = coding_path(X, dictionary, alphas=5)
    >>> path.codes.shape, path.n_nonzero.mean(axis=1).round(1)
    ((5, 50, 30), array([0. , 1.4, 3. , 4.1, 4.9]))
    """
    penalty = resolve_penalty(penalty, 1.0)
    _check_weighted(penalty)
    solver = resolve_solver(solver, penalty)
    missing = check_flag(missing, "missing")
    sparse_output = check_flag(sparse_output, "sparse_output")
    dictionary = as_dictionary(dictionary)
    X = check_rows(X, "X", n_columns=dictionary.n_features, missing=missing)
    # Promoted once for all weights, so that the Gram matrix is computed once.
    dictionary = promote(dictionary, X)
    if np.ndim(alphas) == 0:
        alphas = _grid(X, dictionary, penalty, missing, alphas, eps)
    else:
        alphas = _check_alphas(alphas)
    options = {"missing": missing, "sparse_output": sparse_output, "n_jobs": n_jobs}
    return _solve_path(X, dictionary, penalty, alphas, solver, options)


def _solve_path(X, dictionary, penalty, alphas, solver, options):
    shape = len(alphas), X.shape[0]
    codes = []
    if not options["sparse_output"]:
        codes = np.empty((*shape, dictionary.n_components), dtype=dictionary.dtype)
    gaps, residuals, objectives = np.empty(shape), np.empty(shape), np.empty(shape)
    n_nonzero, n_iter = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int64)
    converged = np.empty(shape, dtype=bool)
    start = None
    for i, alpha in enumerate(alphas):
        scaled = penalty.scaled(float(alpha))
        result = solver.solve(X, dictionary, scaled, codes=start, **options)
        start, judged = result.codes, result.certificate
        if sparse.issparse(start):
            codes.append(start)
            n_nonzero[i] = np.diff(start.indptr)
        else:
            codes[i] = start
            n_nonzero[i] = np.count_nonzero(start, axis=1)
        if penalty.convex:
            gaps[i] = judged.gap
        residuals[i], objectives[i] = judged.residual, judged.objective
        n_iter[i], converged[i] = result.n_iter, result.converged
    gaps = gaps if penalty.convex else None
    return CodingPath(
        alphas, codes, gaps, residuals, objectives, n_nonzero, n_iter, converged, solver
    )


def _grid(X, dictionary, penalty, missing, n_alphas, eps):
    n_alphas = check_integer(n_alphas, "alphas", high=_MOST_ALPHAS)
    eps = check_number(eps, "eps", low=0, low_open=True, high=1)
    try:
        largest = alpha_max(X, dictionary, penalty, missing=missing)
    except TypeError as error:
        message = f"alphas is {n_alphas}, and a grid needs alpha_max. {error} {_REMEDY}"
        raise TypeError(message) from error
    # The grid multiplies the weight of the penalty.
    largest = largest / penalty.alpha if penalty.alpha > 0 else np.inf
    if not 0 < largest < np.inf:
        raise ValueError(
            wrong(
                "the smallest alpha at which all codes are zero",
                got=f"{largest:g}",
                expected="a finite number > 0, to begin a grid of alphas",
                remedy=_REMEDY,
            )
        )
    return np.geomspace(largest, eps * largest, n_alphas)


def _check_weighted(penalty):
    if not penalty.weighted:
        raise TypeError(
            f"coding_path needs a weighted penalty; {type(penalty).__name__} has no weight. Use "
            "L1, or code for each setting of the constraint in turn."
        )


def _check_alphas(alphas):
    values = np.asarray(alphas)
    if values.dtype.kind not in "iuf" or values.ndim != 1 or values.size == 0:
        got = f"an array of shape {values.shape} and dtype {values.dtype}"
    elif not (np.isfinite(values).all() and (values >= 0).all()):
        got = f"an array with values from {values.min()} to {values.max()}"
    else:
        return np.sort(values.astype(np.float64))[::-1].copy()
    raise ValueError(
        wrong(
            "alphas",
            got=got,
            expected="a 1-D array of at least one finite number >= 0",
            remedy="Give such an array, or a number for a grid.",
        )
    )
