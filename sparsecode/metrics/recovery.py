"""Recovery of true atoms and codes, up to sign, scale and order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._matching import cosines, match_atoms, match_table
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_matrix, check_number, check_rows
from sparsecode.metrics._correlations import correlations

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

# True atoms that are compared with all atoms at a time.
_ATOMS = 1024


def atom_recovery(
    dictionary: Dictionary | ArrayLike, truth: Dictionary | ArrayLike, *, threshold: float = 0.99
) -> float:
    """Share of the true atoms that a dictionary recovers, up to sign, scale and order.

    Atoms are paired one to one so that the sum of absolute cosines is largest. A true atom is
    recovered if the absolute cosine of its pair is above the threshold.

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
    threshold = check_number(threshold, "threshold", low=0, high=1)
    atoms, truth = checked_atoms(dictionary, truth)
    paired = match_atoms(atoms, truth).cosines
    return float(np.count_nonzero(paired > threshold) / len(truth))


def atom_mcc(dictionary: Dictionary | ArrayLike, truth: Dictionary | ArrayLike) -> float:
    """Mean absolute cosine of the true atoms with the atoms of a dictionary, paired one to one.

    Atoms are paired so that the sum of absolute cosines is largest. The mean is over the true
    atoms; a true atom without a pair counts as 0. Sign, scale and order do not matter. The
    assignment costs up to ``O(n_components^3)``.

    Parameters
    ----------
    dictionary, truth : Dictionary or array-like of shape (n_components, n_features)
        The numbers of atoms may differ.

    Returns
    -------
    mcc : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the atoms have different numbers of features.

    Examples
    --------
    >>> from sparsecode.metrics import atom_mcc
    >>> round(atom_mcc([[0.0, -2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]]), 6)
    0.8
    """
    atoms, truth = checked_atoms(dictionary, truth)
    return min(float(match_atoms(atoms, truth).cosines.sum() / len(truth)), 1.0)


def atom_mmcs(dictionary: Dictionary | ArrayLike, truth: Dictionary | ArrayLike) -> float:
    """Mean max cosine similarity (MMCS) of the true atoms with the atoms of a dictionary.

    The mean is over the true atoms, the maximum over the atoms of the dictionary. Cosines are
    absolute. One atom may match several true atoms, so the value is at least `atom_mcc`. No
    assignment is needed, which suits very many atoms. Given two learned dictionaries, the value
    tells how far the first one contains the second; it is not symmetric.

    Parameters
    ----------
    dictionary, truth : Dictionary or array-like of shape (n_components, n_features)
        The numbers of atoms may differ.

    Returns
    -------
    mmcs : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the atoms have different numbers of features.

    References
    ----------
    L. Sharkey, D. Braun and B. Millidge, "Taking features out of superposition with sparse
    autoencoders", 2022.

    Examples
    --------
    >>> from sparsecode.metrics import atom_mmcs
    >>> round(atom_mmcs([[3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]]), 6)
    0.7
    """
    atoms, truth = checked_atoms(dictionary, truth)
    starts = range(0, len(truth), _ATOMS)
    largest = (np.abs(cosines(truth[i : i + _ATOMS], atoms)).max(axis=1).sum() for i in starts)
    return min(float(sum(largest) / len(truth)), 1.0)


def checked_atoms(dictionary: Any, truth: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the atoms of both, which have the same number of features."""
    truth = check_matrix(getattr(truth, "atoms", truth), "truth")
    atoms = getattr(dictionary, "atoms", dictionary)
    return check_matrix(atoms, "dictionary", n_columns=truth.shape[1]), truth


def code_mcc(codes: MatrixLike, truth: MatrixLike) -> float:
    """Mean correlation of codes with the true codes (MCC), up to sign, scale and order of atoms.

    The columns of both are paired one to one so that the sum of their absolute Pearson correlations
    is largest. The mean is over the true columns. A true column without a pair, or whose pair is
    constant, counts as 0. True columns that are constant are left out.

    The cost is a matrix product, ``O(n_samples n_components n_true)``, and an assignment, up to
    ``O(n_components^3)``. If both arrays are sparse, the product takes one multiplication for each
    pair of nonzeros of a sample.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    truth : array-like or sparse matrix of shape (n_samples, n_true)
        Codes to compare with, of the same samples.

    Returns
    -------
    mcc : float
        Between 0 and 1; NaN if all columns of the truth are constant.

    Raises
    ------
    ValueError
        If the numbers of samples differ.

    References
    ----------
    A. Hyvärinen and H. Morioka, "Unsupervised feature extraction by time-contrastive learning and
    nonlinear ICA", 2016.

    Examples
    --------
    >>> from sparsecode.metrics import code_mcc
    >>> round(code_mcc([[0.0, -2.0], [1.0, 0.0], [0.0, -4.0]], [[1.0, 0], [0, 3], [2, 0]]), 6)
    1.0
    """
    table = _code_table(codes, truth)
    if table.size == 0:
        return float("nan")
    return min(float(table[match_table(table)].sum() / len(table)), 1.0)


def code_mmcs(codes: MatrixLike, truth: MatrixLike) -> float:
    """Mean max correlation of the true codes with codes (MMCS of centred columns).

    The mean is over the true columns, the maximum of the absolute correlations over the columns of
    `codes`. Unlike in `code_mcc`, one column may match several true columns. The value is at least
    `code_mcc`, and needs no assignment.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    truth : array-like or sparse matrix of shape (n_samples, n_true)
        Codes to compare with, of the same samples.

    Returns
    -------
    mmcs : float
        Between 0 and 1; NaN if all columns of the truth are constant.

    Raises
    ------
    ValueError
        If the numbers of samples differ.

    Examples
    --------
    >>> from sparsecode.metrics import code_mmcs
    >>> round(code_mmcs([[0.0], [1.0], [0.0]], [[1.0, 0], [0, 3], [1, 0]]), 6)
    1.0
    """
    table = _code_table(codes, truth)
    if table.size == 0:
        return float("nan")
    return min(float(table.max(axis=1).mean()), 1.0)


def _code_table(codes, truth):
    """Absolute correlations of the true columns that vary with those of codes."""
    codes, truth = check_rows(codes, "codes"), check_rows(truth, "truth")
    if codes.shape[0] != truth.shape[0]:
        raise ValueError(
            f"codes has {codes.shape[0]} rows but truth has {truth.shape[0]}; expected the same "
            "number. Compare codes of the same samples."
        )
    table, varies = correlations(truth, codes)
    return np.abs(table[varies])
