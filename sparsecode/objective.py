"""Objective, duality gap and stationarity of codes, from any solver or encoder.

The problem, for each row ``x`` of ``X``: minimise over ``z``
``1/2 ||x - offset - z @ atoms||^2 + g(z)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from sparsecode._binary_scaling import exponent_between, row_sizes, scaled
from sparsecode._blas import single_threaded_blas
from sparsecode._collections import in_chunks, is_collection
from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._convolutional_judge import alpha_max as convolutional_alpha_max
from sparsecode._convolutional_judge import judge as judge_convolutional
from sparsecode._judge import Judge, half_square
from sparsecode._objective_scaling import ScaledJudge, ratio
from sparsecode._parallel import map_row_blocks, rows_of_codes
from sparsecode._row_blocks import dense_rows
from sparsecode._summaries import Summarized, gap_or_residual
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_code_rows, check_rows
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.penalties import L1
from sparsecode.penalties.base import Penalty, check_penalty_instance

__all__ = ["Certificate", "alpha_max", "certify", "objective"]

_BLOCK_SIZE = 1024


@dataclass(frozen=True, repr=False)
class Certificate(Summarized):
    """Certificate of codes: objective, duality gap and stationarity, one entry a sample.

    It is computed in float64.

    Squares of samples below 1e-162 are 0 in float64, and above 1e154 infinite, and so are
    objective, gap and half squared norm. The relative ones are computed in another unit and stay
    right.

    Attributes
    ----------
    objective : ndarray of shape (n_samples,)
        Value of the problem at the code.
    gap : ndarray of shape (n_samples,) or None
        Duality gap: the objective is at most this far above the optimum. None where the penalty
        is not convex.
    residual : ndarray of shape (n_samples,)
        Stationarity residual, 0 exactly at stationary points: ``L * max|z - prox(z - grad / L,
        1 / L)|``; for `KSparse` the largest correlation of the residual with an atom in use, or
        with any atom where more may be used (basic feasibility, Beck and Eldar 2013).
    half_squared_norm : ndarray of shape (n_samples,)
        ``1/2 ||x - offset||^2``, the unit of `relative_gap`.
    correlation : ndarray of shape (n_samples,)
        ``max|(x - offset) @ atoms.T|``, the unit of `relative_residual`.

    Examples
    --------
    >>> from sparsecode import certify
    >>> from sparsecode.penalties import L1
    >>> certify([[2.0], [4.0]], [[1.0], [2.0]], [[1.0]], L1(1.0))
    Certificate(samples: 2; relative gap: worst 0.062, median 0.031)
    """

    objective: np.ndarray
    gap: np.ndarray | None
    residual: np.ndarray
    half_squared_norm: np.ndarray
    correlation: np.ndarray
    _ratios: np.ndarray | None = field(default=None, repr=False)

    @classmethod
    def joined(cls, parts: Iterable[Any]) -> Self:
        """Join the certificates of consecutive blocks of samples."""
        columns = zip(*([getattr(p, f.name) for f in fields(cls)] for p in parts), strict=True)
        return cls(*(None if c[0] is None else np.concatenate(c) for c in columns))

    @property
    def relative_gap(self) -> np.ndarray | None:
        """Gap divided by `half_squared_norm`, or None; 0 where both are 0.

        Right even where these are beyond the range of float64.
        """
        if self.gap is None:
            return None
        if self._ratios is None:
            return ratio(self.gap, self.half_squared_norm)
        return self._ratios[:, 0]

    @property
    def relative_residual(self) -> np.ndarray:
        """Residual divided by `correlation`; 0 where both are 0."""
        if self._ratios is None:
            return ratio(self.residual, self.correlation)
        return self._ratios[:, 1]

    def _summary(self):
        if is_collection(self.objective):
            return [("samples", "in chunks of Dask, not computed; call dask.compute")]
        return [
            ("samples", f"{len(self.objective):,}"),
            gap_or_residual(self.relative_gap, self.relative_residual, "relative "),
        ]


def certify(
    X: MatrixLike,
    codes: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    penalty: Penalty,
    *,
    missing: bool = False,
    n_jobs: int | None = None,
) -> Certificate:
    """Certify codes: objective, duality gap and stationarity residual of every sample.

    Everything is computed in float64 from the arguments alone, whatever made the codes.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Signals or images for a convolutional dictionary.
    codes : array-like or sparse matrix of shape (n_samples, n_components)
        Of signals (n_signals, n_components, ...), or a list of CSR arrays.
    dictionary : Dictionary, array-like of shape (n_components, n_features), or \
            ConvolutionalDictionary
    penalty : Penalty
        Holds its own weight `alpha`.
    missing : bool, default=False
        Whether NaN in `X` means a missing entry. A sample is judged on its other features only: the
        problem is that of the sample and the atoms without these.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Returns
    -------
    certificate : Certificate

    Raises
    ------
    ValueError
        If shapes do not fit, or an array holds infinity, or NaN that is not `missing`.

    Examples
    --------
    >>> from sparsecode import certify
    >>> from sparsecode.penalties import L1
    >>> certificate = certify([[2.0, 0.1]], [[1.5, 0.0]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5))
    >>> certificate.objective, certificate.gap
    (array([0.88]), array([0.]))
    """
    check_penalty_instance(penalty)
    if isinstance(dictionary, ConvolutionalDictionary):
        if is_collection(X):
            return in_chunks(
                "signal_codes.certify_codes", X, codes, dictionary, penalty, missing=missing
            )
        return Certificate(
            *judge_convolutional(X, codes, dictionary, penalty, missing=missing, n_jobs=n_jobs)
        )
    dictionary = as_dictionary(dictionary)
    if is_collection(X):
        return in_chunks(
            "certificates.certify_codes", X, codes, dictionary, penalty, missing=missing
        )
    X = check_rows(X, "X", n_columns=dictionary.n_features, missing=missing)
    codes = check_code_rows(codes, X.shape[0], dictionary.n_components)

    def make_judge(dictionary, penalty):
        return Judge(dictionary, penalty, missing)

    with single_threaded_blas():
        judge = ScaledJudge(make_judge, penalty.centred(dictionary.astype(np.float64)), penalty)

    def block(rows):
        of_rows = penalty.for_rows(rows, X.shape[0])
        return judge(dense_rows(X, rows, np.float64), dense_rows(codes, rows, np.float64), of_rows)

    block_size = _rows_a_block(dictionary.n_components)
    parts = map_row_blocks(block, X.shape[0], block_size=block_size, n_jobs=n_jobs)
    objective, gap, *others = map(np.concatenate, zip(*parts, strict=True))
    gap = gap if penalty.convex else None
    return Certificate(objective, gap, *others)


def objective(
    X: MatrixLike,
    codes: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    penalty: Penalty,
    *,
    missing: bool = False,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Value of the problem at each code, shape (n_samples,), in float64.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    penalty : Penalty
    missing : bool, default=False
        Whether NaN in `X` means a missing entry, left out of the sum.
    n_jobs : int or None, default=None
    """
    check_penalty_instance(penalty)
    dictionary = as_dictionary(dictionary).astype(np.float64)
    X = check_rows(X, "X", n_columns=dictionary.n_features, missing=missing)
    codes = check_code_rows(codes, X.shape[0], dictionary.n_components)

    def block(rows):
        samples = dictionary.center(dense_rows(X, rows, np.float64))
        part = codes[rows]
        is_sparse = sparse.issparse(part)
        residual = samples - (part @ dictionary.atoms if is_sparse else dictionary._combine(part))
        if missing:
            residual[np.isnan(samples)] = 0
        value = penalty.for_rows(rows, X.shape[0]).value(dense_rows(codes, rows, np.float64))
        return half_square(residual) + value

    block_size = _rows_a_block(dictionary.n_components)
    parts = map_row_blocks(block, X.shape[0], block_size=block_size, n_jobs=n_jobs)
    return np.concatenate(parts)


def alpha_max(
    X: MatrixLike,
    dictionary: Dictionary | ArrayLike | None = None,
    penalty: Penalty | type[Penalty] = L1,
    *,
    missing: bool = False,
) -> float:
    """Smallest weight `alpha` of a convex penalty at which every code of `X` is zero.

    A share of it is a weight that does not depend on the units of the data: ``alpha=0.1 *
    alpha_max(X)``.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    dictionary : Dictionary, array-like of shape (n_components, n_features), \
            ConvolutionalDictionary or None, default=None
        None is any dictionary of atoms of norm 1: the largest norm of a sample, for l1.
    penalty : Penalty or its class, default=L1
        Its own `alpha` does not matter. Without a dictionary it must be a sum over coefficients
        that weighs all alike.
    missing : bool, default=False
        Whether NaN in `X` means a missing entry, on which a sample is not fitted.

    Returns
    -------
    alpha : float
        In the absolute units of the problem. 0 if X is zero, infinity if some atom is free.

    Raises
    ------
    TypeError
        If the penalty has no such weight: it is not convex, or has no l1 part.
    ValueError
        If the shapes do not fit, or the penalty needs a dictionary.

    Examples
    --------
    >>> from sparsecode import alpha_max
    >>> float(alpha_max([[2.0, -3.0]], [[1.0, 0.0], [0.0, 1.0]]))
    3.0
    >>> round(float(alpha_max([[2.0, -3.0]])), 3)
    3.606
    """
    penalty = check_penalty_instance(penalty() if isinstance(penalty, type) else penalty).checked()
    if isinstance(dictionary, ConvolutionalDictionary):
        return convolutional_alpha_max(X, dictionary, penalty, missing=missing)
    if dictionary is None:
        _check_needs_no_dictionary(penalty)
    else:
        dictionary = as_dictionary(dictionary).astype(np.float64)
    n_features = None if dictionary is None else dictionary.n_features
    X = check_rows(X, "X", n_columns=n_features, missing=missing)

    def block(rows):
        samples = dense_rows(X, rows, np.float64)
        if dictionary is not None:
            samples = dictionary.center(samples)
        if missing:
            samples = np.where(np.isnan(samples), 0, samples)
        # The largest counts, so that what is small against it may underflow.
        exponent = exponent_between(row_sizes(samples))
        samples = scaled(samples, exponent)
        if dictionary is None:
            # The correlation with the atom of its own direction is the largest there can be.
            correlations = np.linalg.norm(samples, axis=1, keepdims=True)
        else:
            exponent += dictionary.unit_exponent
            correlations = dictionary.in_unit(0)._correlate(samples)
        return float(scaled(penalty.alpha_max(correlations), -exponent))

    block_size = _rows_a_block(1 if dictionary is None else dictionary.n_components)
    return max(map_row_blocks(block, X.shape[0], block_size=block_size))


def _rows_a_block(n_components):
    return min(_BLOCK_SIZE, rows_of_codes(n_components))


def _check_needs_no_dictionary(penalty):
    if not penalty.separable or getattr(penalty, "weights", None) is not None:
        raise ValueError(
            f"dictionary is None, but {type(penalty).__name__} gives coefficients different "
            "weights; expected a dictionary for such a penalty. Pass a dictionary, for example "
            "one of samples."
        )
