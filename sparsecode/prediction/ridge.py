"""Ridge codes in closed form: one matrix, made once, that maps samples to codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from sparsecode._blas import single_threaded_blas
from sparsecode._parallel import map_row_blocks
from sparsecode._row_products import row_product
from sparsecode._validation import common_dtype
from sparsecode.dictionary import Dictionary
from sparsecode.penalties import ElasticNet

# Rows of samples that are coded at a time.
_ROWS = 256


class RidgeEncoder:
    """Encoder by the minimiser of ``1/2 ||x - z @ atoms||^2 + penalty(z)`` for a ridge penalty.

    With the weight ``w = alpha * (1 - l1_ratio)`` the codes of the rows of `X` are
    ``X @ atoms.T @ inv(atoms @ atoms.T + w * I)``. The smaller of the two Gram matrices, of atoms
    or of features, is factorised once.

    Parameters
    ----------
    penalty : ElasticNet
        One for which `is_ridge` is true.
    dictionary : Dictionary
        Without an offset.
    """

    matrix: np.ndarray

    def __init__(self, penalty: ElasticNet, dictionary: Dictionary) -> None:
        self.penalty = penalty
        with single_threaded_blas():
            self.matrix = ridge_matrix(dictionary.atoms, penalty.alpha).astype(dictionary.dtype)

    def encode(self, X: np.ndarray, *, n_jobs: int | None = None) -> np.ndarray:
        """Codes of the rows of `X`, shape (n_samples, n_components)."""
        X = np.asarray(X, dtype=common_dtype(X, self.matrix))
        codes = np.empty((len(X), self.matrix.shape[1]), dtype=X.dtype)
        matrix = self.matrix.astype(X.dtype, copy=False)

        def block(rows):
            row_product(X[rows], matrix, codes[rows])

        map_row_blocks(block, len(X), block_size=_ROWS, n_jobs=n_jobs)
        return codes


def is_ridge(penalty: Any) -> bool:
    """Return True if a penalty is a ridge with a positive weight, so that codes have a formula."""
    ridge = isinstance(penalty, ElasticNet) and penalty.l1_ratio == 0
    return ridge and penalty.alpha > 0 and not penalty.positive


def ridge_matrix(atoms: np.ndarray, weight: float) -> np.ndarray:
    """``atoms.T @ inv(atoms @ atoms.T + weight * I)`` in float64, (n_features, n_components)."""
    atoms = atoms.astype(np.float64, copy=False)
    if len(atoms) <= atoms.shape[1]:
        return linalg.solve(_regular(atoms @ atoms.T, weight), atoms, assume_a="pos").T
    return linalg.solve(_regular(atoms.T @ atoms, weight), atoms.T, assume_a="pos")


def _regular(gram, weight):
    gram[np.diag_indices_from(gram)] += weight
    return gram
