"""Products of the atoms of a dictionary, as read-only arrays."""

from __future__ import annotations

import numpy as np

from sparsecode._blas import single_threaded_blas
from sparsecode._statistics import inner_products

# The Gram matrix of so many atoms is always computed whole and kept: as quick as a few columns.
FEW_ATOMS = 4096


def read_only(array):
    """Return the array itself, no longer to be written to."""
    array.flags.writeable = False
    return array


def gram_matrix(atoms):
    """Inner products of the atoms, computed in float64 and rounded to their type."""
    gram = inner_products(atoms.astype(np.float64, copy=False))
    return read_only(gram.astype(atoms.dtype, copy=False))


def pseudo_inverse(atoms):
    """Moore-Penrose inverse of the atoms, shape (n_features, n_components)."""
    cutoff = max(atoms.shape) * np.finfo(atoms.dtype).eps
    with single_threaded_blas():
        inverse = np.linalg.pinv(atoms.astype(np.float64), rcond=cutoff)
    return read_only(np.ascontiguousarray(inverse, dtype=atoms.dtype))


def bound_of_eigenvalues(atoms):
    """Upper bound of the largest eigenvalue of the Gram matrix of the atoms."""
    is_tall = atoms.shape[0] > atoms.shape[1]
    small = (atoms.T if is_tall else atoms).astype(np.float64)
    with single_threaded_blas():
        largest = np.linalg.eigvalsh(small @ small.T)[-1]
    # Rounding is at most of order n * eps; the margin keeps this a bound from above. Where all
    # atoms are zero, its inverse must still be finite in float32.
    return float(max(largest * (1 + 1e-9), np.finfo(np.float32).tiny))
