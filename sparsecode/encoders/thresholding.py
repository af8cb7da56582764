"""Thresholding of the correlations with the atoms."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import compress, dense_rows, stack_csr
from sparsecode._typing import Codes, MatrixLike
from sparsecode._validation import check_flag, check_rows
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.encoders.base import Encoder
from sparsecode.penalties import L1, Penalty
from sparsecode.penalties.base import check_penalty_instance

_BLOCK_SIZE = 512


@dataclass
class Thresholding(Encoder):
    """Thresholding of the correlations with the atoms: the exact code if they are orthogonal.

    ``z = prox(step * (x - offset) @ atoms.T, step)`` with ``step = 1 / max ||atom||^2``: for l1 and
    atoms of norm 1 it is the soft threshold of the correlations at `alpha`. This is the exact code
    if atoms are orthogonal and have the same norm. Otherwise the parts that atoms have in common
    are counted more than once. It costs one product, ``O(n_features n_components)`` per sample. The
    step of `ISTA` is much shorter, because it allows for the overlap of all atoms.

    Parameters
    ----------
    penalty : Penalty, default=L1()
        Penalty with its weight `alpha`; its proximal operator is the threshold.

    References
    ----------
    A. Coates and A. Ng, "The importance of encoding versus training with sparse coding and vector
    quantization", 2011.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Thresholding
    >>> from sparsecode.penalties import L1
    >>> Thresholding(L1(0.5)).encode([[2.0, 0.1]], Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    array([[1.5, 0. ]])
    """

    penalty: Penalty = field(default_factory=L1)

    def encode(
        self,
        X: MatrixLike,
        dictionary: Dictionary | ArrayLike,
        *,
        missing: bool = False,
        sparse_output: bool = False,
        n_jobs: int | None = None,
    ) -> Codes:
        """Compute the codes of the rows of `X`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        missing : bool, default=False
            Whether NaN in `X` means a missing entry, which does not contribute to correlations.
        sparse_output : bool, default=False
            Whether the codes are a CSR array instead of a dense one.
        n_jobs : int or None, default=None
            Threads; None uses all cores. The result does not depend on it.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)

        Raises
        ------
        ValueError
            If shapes do not fit, or a number is NaN, infinite or out of range.
        """
        penalty = check_penalty_instance(self.penalty).checked()
        missing = check_flag(missing, "missing")
        sparse_output = check_flag(sparse_output, "sparse_output")
        dictionary = as_dictionary(dictionary)
        X = check_rows(X, "X", n_columns=dictionary.n_features, missing=missing)
        dictionary = promote(dictionary, X)
        n_samples, dtype = X.shape[0], dictionary.dtype
        step = threshold_step(dictionary)
        codes = None if sparse_output else np.empty((n_samples, dictionary.n_components), dtype)

        def block(rows):
            centred = dictionary.center(dense_rows(X, rows, dtype))
            if missing:
                centred = np.where(np.isnan(centred), dtype.type(0), centred)
            correlations = dictionary._correlate(centred)
            correlations *= dtype.type(step)
            thresholded = penalty.for_rows(rows, n_samples).prox(correlations, step)
            if sparse_output:
                return compress(thresholded)
            codes[rows] = thresholded

        parts = map_row_blocks(block, n_samples, block_size=_BLOCK_SIZE, n_jobs=n_jobs)
        return stack_csr(parts, dictionary.n_components) if sparse_output else codes


def threshold_step(dictionary: Dictionary) -> float:
    """Factor of the correlations: with it the code is exact if atoms are orthogonal and alike."""
    largest = float(dictionary.norms.max()) ** 2
    return 1 / largest if largest > 0 else 1.0
