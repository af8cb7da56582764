"""Debiasing: least squares on the support of codes, which undoes the shrinkage of a penalty."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.optimize import nnls

from sparsecode._binary_scaling import scaled
from sparsecode._interrupts import halt_flag, halt_if_told
from sparsecode._least_squares import fit_supports
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import compress, dense_rows
from sparsecode._typing import Codes, MatrixLike
from sparsecode._validation import check_code_rows, check_flag, check_rows
from sparsecode.dictionary import Dictionary, as_dictionary

_BLOCK_SIZE = 1024


def debias(
    X: MatrixLike,
    codes: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    *,
    positive: bool = False,
    missing: bool = False,
    n_jobs: int | None = None,
) -> Codes:
    """Debias codes: replace the coefficients of each code by the least squares fit on its support.

    Solves ``min_z ||x - offset - z @ atoms||^2`` in float64, over all ``z`` with the zeros of the
    code. Penalties such as l1 shrink coefficients towards zero. Debiasing keeps the selected atoms
    and removes the shrinkage. An atom that depends linearly on others of the support gets 0.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    positive : bool, default=False
        Whether coefficients must be non-negative.
    missing : bool, default=False
        Whether NaN in `X` means a missing entry, which is left out of the fit.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Returns
    -------
    codes : ndarray or csr_array of shape (n_samples, n_components)
        Codes in the type of `codes`. A sparse matrix keeps the pattern of its nonzeros.

    Raises
    ------
    ValueError
        If shapes do not fit, or an array holds infinity, or NaN that is not `missing`.

    References
    ----------
    A. Belloni and V. Chernozhukov, "Least squares after model selection in high-dimensional sparse
    models", 2013.

    Examples
    --------
    >>> from sparsecode import debias
    >>> debias([[2.0, 0.1]], [[1.5, 0.0]], [[1.0, 0.0], [0.0, 1.0]])
    array([[2., 0.]])
    """
    positive = check_flag(positive, "positive")
    dictionary = as_dictionary(dictionary).astype(np.float64)
    X = check_rows(X, "X", n_columns=dictionary.n_features, missing=missing)
    codes = check_code_rows(codes, X.shape[0], dictionary.n_components)
    if sparse.issparse(codes):
        out = sparse.csr_array(codes, copy=True)
        out.sum_duplicates()
        out.eliminate_zeros()
    else:
        out = np.zeros(codes.shape, dtype=codes.dtype)

    unit = dictionary.in_unit(0)

    def fit(samples, starts, columns):
        values = _fit(samples, unit, starts, columns, positive)
        return scaled(values, dictionary.unit_exponent)

    def block(rows):
        samples = dictionary.center(dense_rows(X, rows, np.float64))
        if sparse.issparse(out):
            starts = out.indptr[rows.start : rows.stop + 1]
            inside = slice(starts[0], starts[-1])
            starts = (starts - starts[0]).astype(np.int64)
            out.data[inside] = fit(samples, starts, out.indices[inside])
        else:
            _, columns, counts = compress(np.ascontiguousarray(codes[rows]))
            starts = np.concatenate([[0], np.cumsum(counts)])
            fitted = fit(samples, starts, columns)
            out[rows][np.repeat(np.arange(len(counts)), counts), columns] = fitted

    map_row_blocks(block, X.shape[0], block_size=_BLOCK_SIZE, n_jobs=n_jobs)
    return out


def _fit(X, dictionary, starts, columns, positive):
    """Coefficients of each sample on its atoms, ``columns[starts[i]:starts[i + 1]]``."""
    columns = columns.astype(np.int64)
    values = np.empty(len(columns))
    fit_supports(X, dictionary.atoms, starts, columns, values, halt_flag())
    if positive:
        owners = np.repeat(np.arange(len(X)), np.diff(starts))
        for i in np.unique(owners[values < 0]):
            halt_if_told()
            seen = ~np.isnan(X[i])
            entries = slice(starts[i], starts[i + 1])
            atoms = dictionary.atoms[columns[entries]][:, seen]
            values[entries] = nnls(atoms.T, X[i, seen])[0]
    return values
