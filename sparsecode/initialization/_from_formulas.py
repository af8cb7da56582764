"""Atoms that do not depend on samples: Gaussian ones, and cosines."""

from __future__ import annotations

import math

import numpy as np

from sparsecode.constraints import NonNegative
from sparsecode.dictionary import Dictionary


def gaussian(source, n_atoms, taken):
    """Gaussian atoms, or their absolute values if the constraint forbids negative entries."""
    # Drawn transposed, so that the seed of the atoms of synthetic samples gives other atoms here.
    atoms = source.rng.standard_normal((source.n_features, n_atoms)).T
    return np.abs(atoms) if isinstance(source.constraint, NonNegative) else atoms


def cosines(source, n_atoms, taken):
    """The lowest frequencies of the smallest complete set that has enough atoms."""
    side = math.isqrt(source.n_features)
    if side**2 != source.n_features:
        n_complete = max(n_atoms, source.n_features)
        return Dictionary.dct(n_complete, source.n_features).atoms[:n_atoms]
    n_cosines = max(side, math.isqrt(n_atoms - 1) + 1)
    one = Dictionary.dct(n_cosines, side).atoms
    frequencies = np.add.outer(np.arange(n_cosines), np.arange(n_cosines)).ravel()
    lowest = np.argsort(frequencies, kind="stable")[:n_atoms]
    return np.kron(one, one)[np.sort(lowest)]
