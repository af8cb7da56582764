"""Analytic weights of ALISTA."""

from __future__ import annotations

import numpy as np


def analytic_weights(atoms, inverse):
    """Columns of the pseudo-inverse of the atoms, each divided by its product with its atom.

    Parameters
    ----------
    atoms : ndarray of shape (n_components, n_features)
    inverse : ndarray of shape (n_features, n_components)
        Pseudo-inverse of the atoms.

    Returns
    -------
    weights : ndarray of shape (n_features, n_components)
    """
    return inverse * inverse_of_own(atoms, inverse)


def inverse_of_own(atoms, inverse):
    """Reciprocal inner product of each atom and its column of the pseudo-inverse; 0 for 0."""
    diagonal = np.einsum("ij,ji->i", atoms, inverse)
    return np.divide(1, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
