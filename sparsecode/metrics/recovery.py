"""Whether what was learned or coded is the truth, up to sign, scale and order."""

from __future__ import annotations

import numpy as np

from sparsecode._matching import match_atoms, match_table
from sparsecode._rows import dense_rows
from sparsecode._validation import check_matrix, check_number, check_rows

# Rows that are dense, in float64, at a time.
_ROWS = 8192


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


def code_mcc(codes, truth):
    """Mean correlation of codes with the true ones, up to sign, scale and order of the atoms.

    The columns of both are paired one to one so that the sum of their absolute Pearson correlations
    is largest; the mean is over the true columns. One without a pair, or whose pair is constant,
    counts 0; true columns that are constant themselves are left out.

    It costs a product ``O(n_samples n_components n_true)`` and an assignment, up to
    ``O(n_components^3)``.

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
    codes, truth = check_rows(codes, "codes"), check_rows(truth, "truth")
    if codes.shape[0] != truth.shape[0]:
        raise ValueError(
            f"codes has {codes.shape[0]} rows but truth has {truth.shape[0]}; expected as many. "
            "Compare codes of the same samples."
        )
    table, varies = _correlations(truth, codes)
    if not varies.any():
        return float("nan")
    table = np.abs(table[varies])
    return min(float(table[match_table(table)].sum() / len(table)), 1.0)


def _correlations(codes, other):
    """Pearson correlations of all pairs of columns, 0 for constant ones; which of `codes` vary."""
    first, second = _Columns(codes), _Columns(other)
    product = sum(first.standard(rows).T @ second.standard(rows) for rows in _blocks(codes))
    return product / codes.shape[0], first.deviation > 0


class _Columns:
    """Columns of codes, dense or sparse, less their means and divided by their deviations."""

    def __init__(self, codes):
        self.codes = codes
        blocks = _blocks(codes)
        self.mean = sum(self._dense(rows).sum(axis=0) for rows in blocks) / codes.shape[0]
        squares = sum(((self._dense(rows) - self.mean) ** 2).sum(axis=0) for rows in blocks)
        deviation = np.sqrt(squares / codes.shape[0])
        # The mean of equal numbers is rounded too.
        self.deviation = np.where(deviation > 1e-14 * np.abs(self.mean), deviation, 0)

    def _dense(self, rows):
        return dense_rows(self.codes, rows, np.float64)

    def standard(self, rows):
        centred = self._dense(rows) - self.mean
        unit = np.where(self.deviation > 0, self.deviation, np.inf)
        return centred / unit


def _blocks(codes):
    return [slice(i, i + _ROWS) for i in range(0, codes.shape[0], _ROWS)]
