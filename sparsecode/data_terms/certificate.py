"""Certificates of codes for a data term: objective and duality gap of every sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._objective_scaling import ratio
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import dense_rows
from sparsecode._summaries import Summarized, gap_or_residual
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_code_rows, check_matrix
from sparsecode.data_terms._problem import BLOCK_SIZE, TermProblem, judge
from sparsecode.data_terms.terms import DataTerm
from sparsecode.dictionary import Dictionary
from sparsecode.penalties import L1


@dataclass(frozen=True, repr=False)
class TermCertificate(Summarized):
    """Certificate of codes for a data term: objective and duality gap, in float64.

    Attributes
    ----------
    objective : ndarray of shape (n_samples,)
        Cost of the reconstruction, plus the penalty.
    gap : ndarray of shape (n_samples,)
        The objective is at most this far above the optimum.
    unit : ndarray of shape (n_samples,)
        Cost of a reconstruction of 0, the unit of `relative_gap`; for counts, which have none, the
        sum of them.
    """

    objective: np.ndarray
    gap: np.ndarray
    unit: np.ndarray

    @property
    def relative_gap(self) -> np.ndarray:
        """Gap divided by `unit`; 0 where both are 0."""
        return ratio(self.gap, self.unit)

    def _summary(self):
        gaps = gap_or_residual(self.relative_gap, self.relative_gap, "relative ")
        return [("samples", f"{len(self.objective):,}"), gaps]


def certify(
    X: MatrixLike,
    codes: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    data_term: DataTerm,
    penalty: L1,
    *,
    duals: ArrayLike | None = None,
    missing: bool = False,
    n_jobs: int | None = None,
) -> TermCertificate:
    """Certify codes for a data term: objective and duality gap of every sample.

    Everything is computed in float64 from the arguments alone, whatever made the codes.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    data_term : DataTerm
    penalty : L1
        Holds its own weight `alpha`, absolute.
    duals : array-like of shape (n_samples, n_features) or None, default=None
        Points of the dual problem, such as `duals` of a `TermResult`; each is made feasible. None
        makes them of the residuals. For `Absolute` that proves little, because a residual of 0
        does not tell its dual.
    missing : bool, default=False
        Whether NaN in `X` means a missing entry, which is left out of the sum.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Returns
    -------
    certificate : TermCertificate

    Raises
    ------
    TypeError
        If `data_term` or `penalty` are of another kind.
    ValueError
        If shapes do not fit, or an array holds infinity, or NaN that is not `missing`.

    Examples
    --------
    >>> from sparsecode.data_terms import Huber, certify
    >>> from sparsecode.penalties import L1
    >>> certify([[3.0]], [[0.5]], [[1.0]], Huber(1.0), L1(0.5)).objective
    array([2.25])
    """
    problem = TermProblem.of(X, dictionary, data_term, penalty, missing)
    codes = check_code_rows(codes, problem.X.shape[0], len(problem.atoms))
    if duals is not None:
        duals = check_matrix(duals, "duals", n_columns=problem.atoms.shape[1])
        if len(duals) != problem.X.shape[0]:
            raise ValueError(
                f"duals has {len(duals)} rows but X has {problem.X.shape[0]} samples; expected one "
                "for each. Give those of the same samples, or None."
            )

    def block(rows):
        X, observed = problem.samples(rows)
        dual = None if duals is None else duals[rows].astype(np.float64)
        return judge(problem, X, observed, dense_rows(codes, rows, np.float64), dual)

    parts = map_row_blocks(block, problem.X.shape[0], block_size=BLOCK_SIZE, n_jobs=n_jobs)
    return TermCertificate(*map(np.concatenate, zip(*parts, strict=True)))
