"""Residuals of classes: what the atoms of one class alone leave of each sample."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode._parallel import map_row_blocks, rows_of_codes
from sparsecode._row_blocks import dense_rows
from sparsecode._row_products import row_product
from sparsecode.dictionary import Dictionary


def class_spans(atom_classes: np.ndarray, n_classes: int) -> list[slice]:
    """Slices of the atoms of each class, whose indices `atom_classes` are in order."""
    starts = np.searchsorted(atom_classes, np.arange(n_classes + 1))
    return [slice(starts[c], starts[c + 1]) for c in range(n_classes)]


def class_residuals(
    X: np.ndarray,
    codes: np.ndarray | sparse.csr_array,
    dictionary: Dictionary,
    spans: list[slice],
    *,
    errors: np.ndarray | None = None,
    divided: bool = False,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Norms ``||x - e - z_c @ atoms_c||`` for the atoms and coefficients of each class ``c``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    codes : ndarray or csr_array of shape (n_samples, n_components)
    dictionary : Dictionary
    spans : list of slice
        Atoms of each class.
    errors : ndarray or csr_array of shape (n_samples, n_features) or None, default=None
        Occlusion ``e`` of each sample.
    divided : bool, default=False
        Whether a norm is divided by ``||z_c||``.
    n_jobs : int or None, default=None

    Returns
    -------
    residuals : ndarray of float64 of shape (n_samples, n_classes)
    """
    residuals = np.empty((len(X), len(spans)))
    atoms = dictionary.atoms

    def block(rows):
        x, z = X[rows], dense_rows(codes, rows, codes.dtype)
        if errors is not None:
            x = x - dense_rows(errors, rows, X.dtype)
        for c, span in enumerate(spans):
            part = z[:, span]
            norms = _norms(x - row_product(part, atoms[span]))
            if divided:
                norms /= np.maximum(_norms(part), np.finfo(np.float64).tiny)
            residuals[rows, c] = norms

    map_row_blocks(block, len(X), block_size=rows_of_codes(len(atoms)), n_jobs=n_jobs)
    return residuals


def concentration(codes: np.ndarray | sparse.csr_array, spans: list[slice]) -> np.ndarray:
    """Sparsity concentration index of codes, from 0 (all classes alike) to 1 (one class only).

    ``(K max_c ||z_c||_1 / ||z||_1 - 1) / (K - 1)`` for ``K`` classes; 0 for a code of 0.

    References
    ----------
    J. Wright, A. Y. Yang, A. Ganesh, S. S. Sastry and Y. Ma, "Robust face recognition via sparse
    representation", 2009.
    """
    sizes = np.abs(sparse.csr_array(codes))
    sums = np.column_stack([np.asarray(sizes[:, span].sum(axis=1)).ravel() for span in spans])
    total = sums.sum(axis=1, dtype=np.float64)
    share = np.where(total > 0, sums.max(axis=1) / np.where(total > 0, total, 1), 1 / len(spans))
    return (len(spans) * share - 1) / (len(spans) - 1)


def _norms(rows):
    return np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
