"""Measures of codes and reconstructions, one definition each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import gammaln

from sparsecode._matching import match_atoms
from sparsecode._moments import squares
from sparsecode._validation import check_code_rows, check_matrix, check_number, check_rows, wrong
from sparsecode.dictionary import as_dictionary


def explained_variance(X, X_hat):
    """Share of the variance of `X` that a reconstruction explains.

    ``1 - sum ||x - x_hat||^2 / sum ||x - mean(x)||^2``, both sums over all samples.

    Parameters
    ----------
    X, X_hat : array-like of shape (n_samples, n_features)

    Returns
    -------
    explained_variance : float
        1 for a perfect reconstruction, 0 for one no better than the mean sample.

    Raises
    ------
    ValueError
        If the shapes differ, or all samples are equal.

    Examples
    --------
    >>> from sparsecode.metrics import explained_variance
    >>> explained_variance([[0.0, 0.0], [2.0, 0.0]], [[0.0, 0.0], [2.0, 1.0]])
    0.5
    """
    X = check_matrix(X, "X").astype(np.float64)
    X_hat = check_matrix(X_hat, "X_hat").astype(np.float64)
    if X.shape != X_hat.shape:
        raise ValueError(
            f"X_hat has shape {X_hat.shape}; expected {X.shape}, that of X. Reconstruct the same "
            "samples."
        )
    total = float(((X - X.mean(axis=0)) ** 2).sum())
    if total == 0:
        raise ValueError(
            "X has no variance: all its samples are equal; expected samples that differ. Give more "
            "samples."
        )
    return 1 - float(((X - X_hat) ** 2).sum()) / total


def l0(codes, *, threshold=0.0):
    """Number of active coefficients of each sample: those with ``|z| > threshold``.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0
        Codes of a smooth prior are never exactly zero; its scale `sigma` is a natural threshold.

    Returns
    -------
    l0 : ndarray of int of shape (n_samples,)

    Examples
    --------
    >>> from sparsecode.metrics import l0
    >>> l0([[0.0, 2.0, -1.0], [0.0, 0.0, 0.0]])
    array([2, 0])
    """
    return _count(_sizes(codes, threshold), axis=1)


def kurtosis(codes):
    """Excess kurtosis of all coefficients together: 0 for a Gaussian, higher when sparser.

    Moments are taken about zero, as sparse coefficients are symmetric by the choice of sign.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_components)

    Returns
    -------
    kurtosis : float
        NaN if all codes are zero.

    References
    ----------
    D. Field, "What is the goal of sensory coding?", 1994.

    Examples
    --------
    >>> from sparsecode.metrics import kurtosis
    >>> kurtosis([[1.0, -1.0, 1.0, -1.0]])
    -2.0
    """
    squares = check_matrix(codes, "codes").astype(np.float64) ** 2
    variance = squares.mean()
    return float((squares**2).mean() / variance**2 - 3) if variance > 0 else float("nan")


def dead_atoms(codes, *, threshold=0.0):
    """Atoms that no sample uses: never ``|z| > threshold``.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0

    Returns
    -------
    indices : ndarray of int

    Examples
    --------
    >>> from sparsecode.metrics import dead_atoms
    >>> dead_atoms([[0.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    array([0])
    """
    return np.flatnonzero(_count(_sizes(codes, threshold), axis=0) == 0)


class Usage(NamedTuple):
    """How much each atom is used.

    Attributes
    ----------
    share : ndarray of shape (n_components,)
        Share of the samples that use the atom.
    magnitude : ndarray of shape (n_components,)
        Mean of ``|z|`` over the samples that use it; 0 where none does.

    Examples
    --------
    >>> from sparsecode.metrics import usage
    >>> usage([[0.0, 2.0], [0.0, -1.0]]).magnitude
    array([0. , 1.5])
    """

    share: np.ndarray
    magnitude: np.ndarray


def usage(codes, *, threshold=0.0):
    """Share of the samples that use each atom, ``|z| > threshold``, and how large `z` then is.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0

    Returns
    -------
    usage : Usage
        Named tuple ``(share, magnitude)``, arrays of shape (n_components,).

    Examples
    --------
    >>> from sparsecode.metrics import usage
    >>> usage([[0.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    Usage(share=array([0. , 1. , 0.5]), magnitude=array([0. , 1.5, 3. ]))
    """
    sizes = _sizes(codes, threshold)
    uses, total = _count(sizes, axis=0), np.asarray(sizes.sum(axis=0)).ravel()
    return Usage(uses / sizes.shape[0], total / np.maximum(uses, 1))


def sort_atoms(dictionary, codes, *, by="usage"):
    """Order the atoms of a dictionary by what they are worth to codes, the most first.

    Parameters
    ----------
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    by : {"usage", "energy"}, default="usage"
        "usage" is the share of the samples with a nonzero coefficient, "energy" the mean squared
        norm of what the atom adds to a reconstruction. Equal atoms keep their order.

    Returns
    -------
    dictionary : Dictionary
        The same atoms, reordered.
    order : ndarray of int of shape (n_components,)
        Where each atom was; ``codes[:, order]`` are the codes of the new dictionary.

    Raises
    ------
    ValueError
        If `by` is another string, or the shapes do not fit.

    Examples
    --------
    >>> from sparsecode.metrics import sort_atoms
    >>> dictionary, order = sort_atoms([[1.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [1.0, 3.0]])
    >>> order
    array([1, 0])
    """
    dictionary = as_dictionary(dictionary)
    codes = check_rows(codes, "codes")
    codes = check_code_rows(codes, codes.shape[0], dictionary.n_components)
    if by == "usage":
        worth = _count(codes, axis=0)
    elif by == "energy":
        worth = squares(codes) * dictionary.norms**2
    else:
        raise ValueError(
            wrong("by", got=repr(by), expected="'usage' or 'energy'", remedy="Choose one.")
        )
    order = np.argsort(-worth, kind="stable")
    return dictionary.replace(atoms=dictionary.atoms[order]), order


def bic(X, codes, dictionary):
    """Bayesian information criterion of codes and dictionary together; smaller is better.

    ``n p log(RSS / (n p)) + (nnz + K p) log(n p)``, with `n` samples of `p` features, `K` atoms,
    `nnz` nonzero coefficients, and RSS the squared error of the reconstruction. Its values have a
    meaning only relative to those of other codes of the same samples. What it does not count is
    which atoms a sample uses; `code_length` does.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
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
    X, codes, dictionary, error = _errors(X, codes, dictionary)
    n_parameters = _count(codes, axis=0).sum() + dictionary.atoms.size
    with np.errstate(divide="ignore"):
        return float(X.size * np.log(error / X.size) + n_parameters * np.log(X.size))


def code_length(X, codes, dictionary, *, precision=None):
    """Bits that describe the samples by codes and dictionary (MDL); smaller is better.

    The sum of

    * the residual, Gaussian of its own variance ``s^2 = RSS / (n p)``, at the precision of the
      data: ``n p / 2 log2(2 pi e s^2 / precision^2)``;
    * which samples use an atom, for each atom `j` with `m` uses: ``log2(n + 1) + log2 binom(n,
      m)``;
    * the values of its nonzero coefficients, Laplacian of mean ``b = mean |z|``, at the step
      ``sqrt(12) s / ||atom||``, which is best for the sum of this and the residual: ``m
      (log2(2 e b ||atom|| / (sqrt(12) s)) + log2(e) / 2)``, at least one bit each;
    * the dictionary, at the precision that `n` samples allow: ``K p / 2 log2(n)``.

    `n` are the samples, `p` the features, `K` the atoms; `s` is at least ``precision / sqrt(12)``,
    the error of rounding. After the reference, with plainer probability models.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
        Shrunk coefficients, as those of an l1 penalty, make the residual larger than its support
        need have it; see `sparsecode.debias`.
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    precision : float or None, default=None
        Step that `X` is rounded to, such as 1 for grey values. Another one adds a constant, unless
        residuals are that small. None is the standard deviation of the entries of `X`, divided by
        256.

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
    X, codes, dictionary, error = _errors(X, codes, dictionary)
    if precision is None:
        precision = X.std() / 256
    check_number(precision, "precision", low=0, low_open=True)
    (n_samples, _), n_components = X.shape, dictionary.n_components
    deviation = max(np.sqrt(error / X.size), precision / np.sqrt(12))
    residual = X.size / 2 * np.log2(2 * np.pi * np.e * (deviation / precision) ** 2)
    uses = _count(codes, axis=0)
    supports = _log2_binomial(n_samples, uses).sum() + n_components * np.log2(n_samples + 1)
    mean = np.asarray(abs(codes).sum(axis=0)).ravel() * dictionary.norms / np.maximum(uses, 1)
    with np.errstate(divide="ignore"):
        bits = np.log2(2 * np.e * mean / (np.sqrt(12) * deviation)) + np.log2(np.e) / 2
    values = uses @ np.maximum(bits, 1)
    return float(residual + supports + values + dictionary.atoms.size / 2 * np.log2(n_samples))


def _errors(X, codes, dictionary):
    """Checked arguments, and the squared error of the reconstruction, in float64."""
    dictionary = as_dictionary(dictionary)
    X = check_matrix(X, "X", n_columns=dictionary.n_features)
    codes = check_code_rows(codes, len(X), dictionary.n_components)
    residual = X - dictionary.decode(codes)
    return X, codes, dictionary, float(np.einsum("ij,ij->", residual, residual, dtype=np.float64))


def atom_recovery(dictionary, truth, *, threshold=0.99):
    """Share of the true atoms that a dictionary has, up to sign, scale and order.

    Atoms are paired one to one so that the sum of absolute cosines is largest; a true atom is
    recovered where that of its pair is above the threshold.

    Parameters
    ----------
    dictionary, truth : Dictionary or array-like of shape (n_components, n_features)
        The numbers of atoms may differ.
    threshold : float, default=0.99

    Returns
    -------
    atom_recovery : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the atoms have different numbers of features.

    References
    ----------
    M. Aharon, M. Elad and A. Bruckstein, "K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation", 2006.

    Examples
    --------
    >>> from sparsecode.metrics import atom_recovery
    >>> atom_recovery([[0.0, -2.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]])
    0.5
    """
    check_number(threshold, "threshold", low=0, high=1)
    truth = check_matrix(getattr(truth, "atoms", truth), "truth")
    atoms = getattr(dictionary, "atoms", dictionary)
    atoms = check_matrix(atoms, "dictionary", n_columns=truth.shape[1])
    cosines = match_atoms(atoms, truth).cosines
    return float(np.count_nonzero(cosines > threshold) / len(truth))


def _sizes(codes, threshold):
    """Absolute values of codes above a threshold, the others zero; sparse where the codes are."""
    check_number(threshold, "threshold", low=0)
    sizes = abs(check_rows(codes, "codes"))
    if not sparse.issparse(sizes):
        return np.where(sizes > threshold, sizes, 0)
    sizes.data[sizes.data <= threshold] = 0
    return sizes


def _count(codes, axis):
    """Nonzeros of each row (1) or column (0), also where a sparse matrix stores zeros."""
    if not sparse.issparse(codes):
        return np.count_nonzero(codes, axis=axis)
    return np.asarray((codes != 0).sum(axis=axis)).ravel()


def _log2_binomial(n, k):
    return (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)) / np.log(2)
