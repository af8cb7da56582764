"""Criteria of model selection: BIC and description length of codes and dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from sparsecode._messages import wrong
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_number
from sparsecode.metrics._counts import count
from sparsecode.metrics._fit import fit_of_codes
from sparsecode.metrics.atom_usage import usage

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


def bic(X: MatrixLike, codes: MatrixLike, dictionary: Dictionary | ArrayLike) -> float:
    """Bayesian information criterion of codes and dictionary together; smaller is better.

    ``n p log(RSS / (n p)) + (nnz + K p) log(n p)``, with `n` samples of `p` features, `K` atoms,
    `nnz` nonzero coefficients, and RSS the squared error of the reconstruction. Only differences
    between codes of the same samples have a meaning. The criterion does not count the cost of
    telling which atoms a sample uses; `code_length` does.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    dictionary : Dictionary or array-like of shape (n_components, n_features)

    Returns
    -------
    bic : float
        Minus infinity for a perfect reconstruction.

    References
    ----------
    G. Schwarz, "Estimating the dimension of a model", 1978.

    Examples
    --------
    >>> from sparsecode.metrics import bic
    >>> round(bic([[2.0, 1.0]], [[2.0]], [[1.0, 0.0]]), 3)
    0.693
    """
    codes, dictionary, fit = fit_of_codes(X, codes, dictionary)
    n_parameters = count(codes, axis=0).sum() + dictionary.atoms.size
    with np.errstate(divide="ignore"):
        return float(fit.size * np.log(fit.mse) + n_parameters * np.log(fit.size))


def code_length(
    X: MatrixLike,
    codes: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    *,
    precision: float | None = None,
) -> float:
    """Description length (MDL) of samples by codes and dictionary, in bits; smaller is better.

    The length is the sum of

    * the residual, as Gaussian noise of variance ``s^2 = RSS / (n p)``, at the precision of the
      data: ``n p / 2 log2(2 pi e s^2 / precision^2)``;
    * which samples use an atom, for each atom `j` with `m` uses:
      ``log2(n + 1) + log2 binom(n, m)``;
    * the values of its nonzero coefficients, as Laplacian numbers with ``b = mean |z|``, rounded to
      the step ``sqrt(12) s / ||atom||``, which minimises the sum of this term and the residual:
      ``m (log2(2 e b ||atom|| / (sqrt(12) s)) + log2(e) / 2)``, at least one bit each;
    * the dictionary, at the precision that `n` samples allow: ``K p / 2 log2(n)``.

    There are `n` samples, `p` features and `K` atoms; `s` is at least ``precision / sqrt(12)``, the
    error of rounding. The method is that of the reference, with simpler probability models.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
        A penalty such as l1 shrinks coefficients, and so makes the residual larger than the support
        requires; `sparsecode.debias` undoes this.
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    precision : float or None, default=None
        Step to which `X` is rounded, such as 1 for grey values. Another step adds a constant to the
        result, unless the residuals are as small as the step. None is the standard deviation of the
        entries of `X`, divided by 256.

    Returns
    -------
    code_length : float

    Raises
    ------
    ValueError
        If the shapes do not fit, `precision` is not positive, or None where all entries of `X` are
        equal.

    References
    ----------
    I. Ramírez and G. Sapiro, "An MDL framework for sparse coding and dictionary learning", 2012.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.metrics import code_length
    >>> X, codes, atoms = make_sparse_signals(500, 30, 20, n_nonzero=3, snr_db=30, random_state=0)
    >>> code_length(X, codes, atoms) < code_length(X, 0 * codes, atoms)
    True
    """
    return bits(*fit_of_codes(X, codes, dictionary), precision)


def bits(
    codes: MatrixLike, dictionary: Dictionary, fit: Any, precision: float | None = None
) -> float:
    """Code length of checked codes whose fit is known."""
    if precision is None:
        precision = fit.deviation / 256
        if precision == 0:
            raise ValueError(
                wrong(
                    "precision",
                    got="None, but all entries of X are equal up to rounding",
                    expected="the step to which the entries were rounded",
                    remedy="Set precision, or give samples that differ.",
                )
            )
    precision = check_number(precision, "precision", low=0, low_open=True)
    n_samples, n_components = codes.shape
    deviation = max(np.sqrt(fit.mse), precision / np.sqrt(12))
    residual = fit.size / 2 * np.log2(2 * np.pi * np.e * (deviation / precision) ** 2)
    uses = count(codes, axis=0)
    supports = _log2_binomial(n_samples, uses).sum() + n_components * np.log2(n_samples + 1)
    mean = usage(codes).magnitude * dictionary.norms
    with np.errstate(divide="ignore"):
        each = np.log2(2 * np.e * mean / (np.sqrt(12) * deviation)) + np.log2(np.e) / 2
    values = uses @ np.maximum(each, 1)
    return float(residual + supports + values + dictionary.atoms.size / 2 * np.log2(n_samples))


def _log2_binomial(n, k):
    return (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)) / np.log(2)
