"""Atoms that do not depend on samples: Gaussian ones, and cosines."""

from __future__ import annotations

import math

import numpy as np

from sparsecode._first_atoms import cosine_products
from sparsecode.constraints import NonNegative


def gaussian(source, n_atoms, taken):
    """Gaussian atoms, or their absolute values if the constraint forbids negative entries."""
    # Drawn transposed, so that the seed of the atoms of synthetic samples gives other atoms here.
    atoms = source.rng.standard_normal((source.n_features, n_atoms)).T
    return np.abs(atoms) if isinstance(source.constraint, NonNegative) else atoms


def cosines(source, n_atoms, taken):
    """The lowest frequencies of the smallest complete set that has enough atoms."""
    side = math.isqrt(source.n_features)
    is_square = side**2 == source.n_features
    return cosine_products(n_atoms, (side, side) if is_square else (source.n_features,))
