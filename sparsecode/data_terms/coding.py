"""Codes for a data term: by the lasso (Huber), ADMM (l1), or coordinate descent (counts)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from sparsecode._parallel import map_row_blocks
from sparsecode._summaries import Summarized, share
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_integer, check_number
from sparsecode.data_terms import _admm, _counts
from sparsecode.data_terms._problem import BLOCK_SIZE, TermProblem
from sparsecode.data_terms.certificate import TermCertificate, certify
from sparsecode.data_terms.terms import DataTerm, Huber
from sparsecode.dictionary import Dictionary
from sparsecode.penalties import L1
from sparsecode.solvers import choose_solver
from sparsecode.solvers._tolerance import default_tol


@dataclass(frozen=True, repr=False)
class TermResult(Summarized):
    """Codes for a data term with their certificate.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_components)
    duals : ndarray of shape (n_samples, n_features)
        Points of the dual problem, which prove the gap.
    certificate : TermCertificate
    n_iter : ndarray of int of shape (n_samples,)
    converged : ndarray of bool of shape (n_samples,)
        Whether the sample reached `tol`, by its certificate.
    """

    codes: np.ndarray
    duals: np.ndarray
    certificate: TermCertificate
    n_iter: np.ndarray
    converged: np.ndarray

    def _summary(self):
        return [*self.certificate._summary(), ("converged", share(self.converged))]


def encode(
    X: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    data_term: DataTerm,
    penalty: L1,
    *,
    missing: bool = False,
    max_iter: int = 20000,
    tol: float | None = None,
    n_jobs: int | None = None,
) -> TermResult:
    """Code samples for a data term other than the squared error, with an l1 penalty.

    Solves for every sample ``min_z sum_f cost(x_f, (offset + z @ atoms)_f) + penalty(z)``. Huber's
    problem is the lasso with one more atom for each feature, whose coefficients are what exceeds
    `delta`; the default solver of the penalty takes it, whatever `tol` is. `Absolute` is solved by
    ADMM, which guesses a vertex of the linear program now and then, and counts by coordinate
    descent, in float64.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Of counts, entries are not negative.
    dictionary : Dictionary or array-like of shape (n_components, n_features)
        For counts, atoms are not negative, and there is no offset.
    data_term : DataTerm
        `Huber`, `Absolute` or `KullbackLeibler`.
    penalty : L1
        Holds its own weight `alpha`, absolute and above 0. For counts it is ``positive=True``, and
        `alpha` may be 0.
    missing : bool, default=False
        Whether NaN in `X` means a missing entry, which is left out of the sum.
    max_iter : int, default=20000
        Most iterations a sample may take.
    tol : float or None, default=None
        A sample stops at this duality gap, in the unit of `TermCertificate`. None is 1e-6 for codes
        in float64, 5e-5 in float32. 0 runs `max_iter` iterations.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Returns
    -------
    result : TermResult
        Codes are float32 only if X and the dictionary both are.

    Raises
    ------
    TypeError
        If `data_term` or `penalty` are of another kind.
    ValueError
        If shapes do not fit, or a number is NaN, infinite or out of range.

    Warns
    -----
    ConvergenceWarning
        If samples stopped at `max_iter` before they reached `tol`.

    References
    ----------
    S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, "Distributed optimization and
    statistical learning via the alternating direction method of multipliers", 2010.

    C.-J. Hsieh and I. S. Dhillon, "Fast coordinate descent methods with variable selection for
    non-negative matrix factorization", 2011.

    Examples
    --------
    >>> from sparsecode.data_terms import Huber, encode
    >>> from sparsecode.penalties import L1
    >>> atoms = [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    >>> result = encode([[2.0, 50.0, 0.0, 0.0]], atoms, Huber(0.1), L1(0.05))
    >>> result.codes.round(2)
    array([[2.05, 0.  ]])
    >>> result.converged
    array([ True])
    """
    problem = TermProblem.of(X, dictionary, data_term, penalty, missing)
    max_iter = check_integer(max_iter, "max_iter")
    tol = default_tol(1e-6, problem.dtype) if tol is None else check_number(tol, "tol", low=0)
    if isinstance(problem.term, Huber):
        codes, n_iter = _huber_codes(problem, max_iter, n_jobs)
        duals = None
    elif problem.term.counts:
        codes, n_iter = _by_blocks(_counts.solve, problem, tol, max_iter, n_jobs)
        duals = None
    else:
        codes, duals, n_iter = _by_blocks(_admm.solve, problem, tol, max_iter, n_jobs)
    codes = codes.astype(problem.dtype, copy=False)
    certificate = certify(
        problem.X, codes, dictionary, problem.term, penalty,
        duals=duals, missing=missing, n_jobs=n_jobs,
    )  # fmt: skip
    if duals is None:
        X_hat = codes @ problem.atoms
        duals = np.zeros(X_hat.shape)
        for start in range(0, len(codes), BLOCK_SIZE):
            rows = slice(start, start + BLOCK_SIZE)
            samples, observed = problem.samples(rows)
            dual = problem.term._clip(problem.term._dual(samples, X_hat[rows]))
            duals[rows] = np.where(observed, dual, 0)
    converged = certificate.relative_gap <= tol
    if tol > 0 and not converged.all():
        warnings.warn(
            f"encode: {np.count_nonzero(~converged)} of {len(converged)} samples did not reach "
            f"tol={tol:g} in max_iter={max_iter} iterations; the worst relative duality gap is "
            f"{certificate.relative_gap.max():.1e}. Raise max_iter or tol.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return TermResult(codes, duals, certificate, n_iter, converged)


def _by_blocks(solve, problem, tol, max_iter, n_jobs):
    def block(rows):
        X, observed = problem.samples(rows)
        return solve(problem, X, observed, 0.9 * tol, max_iter)

    parts = map_row_blocks(
        block, problem.X.shape[0], block_size=BLOCK_SIZE, n_jobs=n_jobs, is_long=True
    )
    return map(np.concatenate, zip(*parts, strict=True))


def _huber_codes(problem, max_iter, n_jobs):
    """Codes by the lasso on the atoms and one more for each feature."""
    n_components, n_features = problem.atoms.shape
    extra = np.eye(n_features)
    if problem.positive:
        # Their coefficients may have both signs.
        extra = np.concatenate([extra, -extra])
    delta = problem.term.delta
    weights = np.concatenate([problem.weights, np.full(len(extra), delta)])
    lasso = L1(1.0, weights, problem.positive)
    dictionary = Dictionary(np.concatenate([problem.atoms, extra]), problem.offset)
    solver = choose_solver(lasso).set_params(max_iter=max_iter)
    # The unit of its gap is the squared norm, which is large against the cost of outliers.
    solver.set_params(tol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = solver.solve(problem.X, dictionary, lasso, missing=problem.missing, n_jobs=n_jobs)
    return result.codes[:, :n_components], result.n_iter
