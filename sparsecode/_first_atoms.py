"""Initial atoms of a dictionary: cosines, or rows of samples."""

from __future__ import annotations

import numpy as np


def cosine_atoms(n_components, n_features):
    """Cosines of `n_components` frequencies; all but the first have mean 0."""
    frequencies = np.arange(n_components)[:, None] * np.pi / n_components
    atoms = np.cos(frequencies * (np.arange(n_features) + 0.5))
    atoms[1:] -= atoms[1:].mean(axis=1, keepdims=True)
    return atoms


def choose_samples(X, n_components, rng):
    """Draw different rows of `X` with nonzero norm.

    Raises
    ------
    ValueError
        If there are fewer than `n_components` such rows.
    """
    usable = np.flatnonzero(np.einsum("ij,ij->i", X, X) > 0)
    if len(usable) < n_components:
        raise ValueError(
            f"X has {len(usable)} nonzero samples; expected at least {n_components}, one for "
            "each atom. Give more samples or ask for fewer components."
        )
    return rng.choice(usable, n_components, replace=False)
