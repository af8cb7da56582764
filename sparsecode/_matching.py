"""Matching of the atoms of two dictionaries, or of rows and columns of any table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from sparsecode._binary_scaling import norms_of

# Entries of a table of cosines of some rows with all rows.
_TABLE_BYTES = 2**27


class DictionaryMatch(NamedTuple):
    """The best pairing of the atoms of two dictionaries, up to sign.

    Attributes
    ----------
    indices, other_indices : ndarray of shape (n_pairs,)
        Atom ``indices[i]`` of the first dictionary is paired with ``other_indices[i]`` of the
        other.
    signs : ndarray of shape (n_pairs,)
        +1 or -1: factor that aligns the first atom with the other.
    cosines : ndarray of shape (n_pairs,)
        Absolute cosine of each pair; 0 where an atom is zero.
    """

    indices: np.ndarray
    other_indices: np.ndarray
    signs: np.ndarray
    cosines: np.ndarray


def cosines(atoms, other):
    """Cosines between the rows of two arrays in float64; 0 for a zero row."""
    return _directions(atoms) @ _directions(other).T


def largest_cosine(atoms):
    """Largest absolute cosine between two different rows, a table of some rows at a time."""
    largest, step = 0.0, max(_TABLE_BYTES // (8 * len(atoms)), 64)
    for start in range(0, len(atoms), step):
        table = np.abs(cosines(atoms[start : start + step], atoms))
        np.fill_diagonal(table[:, start:], 0)
        largest = max(largest, table.max())
    return float(min(largest, 1.0))


def match_table(table):
    """Row and column indices of the one-to-one pairs of largest sum (Hungarian algorithm)."""
    return linear_sum_assignment(table, maximize=True)


def match_atoms(atoms, other):
    """Pair rows so that the sum of absolute cosines is largest."""
    if other.shape[1] != atoms.shape[1]:
        raise ValueError(
            f"other has atoms of {other.shape[1]} features; expected {atoms.shape[1]} as in this "
            "dictionary. Give a dictionary with the same features."
        )
    table = cosines(other, atoms)
    other_indices, indices = match_table(np.abs(table))
    paired = table[other_indices, indices]
    return DictionaryMatch(indices, other_indices, np.where(paired < 0, -1.0, 1.0), np.abs(paired))


def _directions(atoms):
    atoms = np.asarray(atoms, dtype=np.float64)
    norms = norms_of(atoms)[:, None]
    return atoms / np.where(norms == 0, 1, norms)
