"""Triangle encoding: how much nearer an atom is than the atoms are on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._parallel import map_row_blocks, rows_of_product, scratch, strips
from sparsecode._row_blocks import compress, dense_rows, stack_csr
from sparsecode._row_products import row_product
from sparsecode._typing import Codes, MatrixLike
from sparsecode._validation import check_flag, check_rows
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.encoders.base import Encoder


@dataclass
class Triangle(Encoder):
    """Triangle encoding of k-means: the mean distance from all atoms minus that of each, or 0.

    ``z_j = max(0, mean(d) - d_j)`` with ``d_j = ||x - offset - atom_j||``, where the mean is that
    of the sample over all atoms. Atoms are points, such as the centroids of k-means, and not
    directions: their norms count. About half of the entries are 0. It costs one product,
    ``O(n_features n_components)`` per sample, and has no parameters.

    Distances come from inner products. In float32 those that are much smaller than the norm of the
    sample are known to a share of 1e-3 of that norm only.

    Attributes
    ----------
    bounds : tuple of two floats
        Lower and upper bound of the codes.

    References
    ----------
    A. Coates, H. Lee and A. Ng, "An analysis of single-layer networks in unsupervised feature
    learning", 2011.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Triangle
    >>> Triangle().encode([[0.0, 0.0]], Dictionary([[1.0, 0.0], [0.0, 3.0]]))
    array([[1., 0.]])
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

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
            Whether NaN in `X` means a missing entry. Distances are those in the other features.
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
            If shapes do not fit, or a number is NaN or infinite.
        """
        missing = check_flag(missing, "missing")
        sparse_output = check_flag(sparse_output, "sparse_output")
        dictionary = as_dictionary(dictionary)
        X = check_rows(X, "X", n_columns=dictionary.n_features, missing=missing)
        dictionary = promote(dictionary, X)
        shape, dtype = (X.shape[0], dictionary.n_components), dictionary.dtype
        codes = None if sparse_output else np.empty(shape, dtype)

        def block(rows):
            x = dictionary.center(dense_rows(X, rows, dtype))
            out = scratch((len(x), shape[1]), dtype) if codes is None else codes[rows]
            squares = _squared_norms(x, dictionary.atoms, missing)
            dictionary._correlate(_filled(x, missing), out)
            for strip in strips(slice(0, len(x)), out[0].nbytes):
                _to_codes(out[strip], *(array[strip] for array in squares))
            return compress(out) if sparse_output else None

        size = rows_of_product(shape[0], shape[1] * dtype.itemsize)
        parts = map_row_blocks(block, shape[0], block_size=size, n_jobs=n_jobs)
        return stack_csr(parts, shape[1]) if sparse_output else codes


def _filled(x, missing):
    return np.where(np.isnan(x), x.dtype.type(0), x) if missing else x


def _squared_norms(x, atoms, missing):
    """Squared norms of samples, and of the atoms for each sample: in the features that it has."""
    present = _filled(x, missing)
    of_samples = np.einsum("ij,ij->i", present, present)[:, np.newaxis]
    if missing:
        return of_samples, row_product((~np.isnan(x)).astype(x.dtype), (atoms * atoms).T)
    of_atoms = np.einsum("ij,ij->i", atoms, atoms)
    return of_samples, np.broadcast_to(of_atoms, (len(x), len(atoms)))


def _to_codes(products, of_samples, of_atoms):
    """Turn inner products of samples and atoms into codes, in place."""
    products *= -2
    products += of_atoms
    products += of_samples
    distances = np.sqrt(np.maximum(products, 0, out=products), out=products)
    means = distances.mean(axis=1, keepdims=True)
    np.maximum(np.subtract(means, distances, out=distances), 0, out=distances)
