"""Comparison of supports: precision, recall and F1 of the nonzeros of codes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sparsecode._typing import MatrixLike
from sparsecode._validation import check_code_rows, check_rows
from sparsecode.metrics._counts import count, sizes_above


class SupportScores(NamedTuple):
    """Precision, recall and F1 of the supports of codes, each between 0 and 1.

    Attributes
    ----------
    precision : float
        Share of the active coefficients that are active in the truth.
    recall : float
        Share of the truly active coefficients that are active.
    f1 : float
        Harmonic mean of precision and recall.

    Examples
    --------
    >>> from sparsecode.metrics import support_scores
    >>> support_scores([[1.0, 0.0, 0.0]], [[2.0, 3.0, 0.0]]).precision
    1.0
    """

    precision: float
    recall: float
    f1: float


def support_scores(
    codes: MatrixLike, truth: MatrixLike, *, threshold: float = 0.0
) -> SupportScores:
    """Precision, recall and F1 of the supports of codes, against the supports of true codes.

    Coefficients of all samples are counted together, so a sample with more nonzeros has more
    weight. Signs and magnitudes do not matter. If no coefficient is active, precision is 1 where
    none is active in the truth, else 0. If none is active in the truth, recall is 1 where none is
    active in the codes, else 0.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    truth : array-like or sparse matrix of shape (n_samples, n_components)
        Codes to compare with: of the same samples, in the same atoms.
    threshold : float, default=0.0
        A coefficient is active where ``|z| > threshold``, in both.

    Returns
    -------
    scores : SupportScores
        Named tuple ``(precision, recall, f1)``.

    Raises
    ------
    ValueError
        If the shapes differ, or `threshold` is negative.

    Examples
    --------
    >>> from sparsecode.metrics import support_scores
    >>> support_scores([[1.0, 0.0, 4.0]], [[2.0, 3.0, 0.0]])
    SupportScores(precision=0.5, recall=0.5, f1=0.5)
    """
    truth = check_rows(truth, "truth")
    codes = check_code_rows(codes, *truth.shape)
    found, true = sizes_above(codes, threshold), sizes_above(truth, threshold)
    hits = _n_common(found, true)
    n_found, n_true = int(count(found, axis=0).sum()), int(count(true, axis=0).sum())
    neither = n_found == n_true == 0
    precision, recall, f1 = (
        2.0 * hits / total if total else float(neither)
        for total in (2 * n_found, 2 * n_true, n_found + n_true)
    )
    return SupportScores(precision, recall, f1)


def _n_common(codes, other):
    """Number of entries that are nonzero in both."""
    if not (sparse.issparse(codes) or sparse.issparse(other)):
        return int(np.count_nonzero((codes != 0) & (other != 0)))
    codes, other = (sparse.csr_array(matrix) != 0 for matrix in (codes, other))
    return int(codes.multiply(other).sum())
