"""Initial atoms of a dictionary: cosines, or rows of samples."""

from __future__ import annotations

import math

import numpy as np


def cosine_atoms(n_components, n_features):
    """Cosines of `n_components` frequencies; all but the first have mean 0."""
    frequencies = np.arange(n_components)[:, None] * np.pi / n_components
    atoms = np.cos(frequencies * (np.arange(n_features) + 0.5))
    atoms[1:] -= atoms[1:].mean(axis=1, keepdims=True)
    return atoms


def cosine_products(n_atoms, patch_size):
    """Products of cosines along the axes of a patch, of norm 1.

    They are the lowest frequencies of the smallest complete set that has enough atoms.
    """
    n_axes = max(sum(length > 1 for length in patch_size), 1)
    ratio = max(n_atoms / math.prod(patch_size), 1) ** (1 / n_axes)
    # Along an axis of length 1 there is one cosine.
    counts = [math.ceil(round(length * ratio, 9)) if length > 1 else 1 for length in patch_size]
    products, frequencies = np.ones((1, 1)), np.zeros(1)
    for count, length in zip(counts, patch_size, strict=True):
        one = cosine_atoms(count, length)
        products = np.kron(products, one / np.linalg.norm(one, axis=1, keepdims=True))
        frequencies = np.add.outer(frequencies, np.arange(count) / count).ravel()
    # Rounded, so that the first of equal frequencies are taken.
    lowest = np.argsort(frequencies.round(9), kind="stable")[:n_atoms]
    return products[np.sort(lowest)]


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
