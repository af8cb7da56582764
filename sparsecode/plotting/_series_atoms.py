"""Atoms of series that are plotted: checked, as products of patterns, and their heights."""

from __future__ import annotations

import numpy as np

from sparsecode._convolution.conversion import as_convolutional
from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._messages import shown, wrong

# What is left of an atom without its nearest product, over its norm.
_RANK1_TOL = 1e-3


def series_atoms(dictionary):
    """Atoms (n_components, n_channels, n_times) in float64."""
    if not isinstance(dictionary, ConvolutionalDictionary):
        dictionary = getattr(dictionary, "components_", dictionary)
    dictionary = as_convolutional(dictionary)
    if dictionary.n_dims != 1:
        raise ValueError(
            wrong(
                "dictionary",
                got=f"atoms of shape {shown(dictionary.atoms.shape)}, which are images",
                expected="atoms of series, (n_components, n_channels, n_times)",
                remedy="Use plot_atoms for images.",
            )
        )
    return dictionary.atoms.astype(np.float64)


def nearest_products(atoms):
    """Patterns of channels and patterns of times, whose products are nearest to the atoms."""
    left, sizes, right = np.linalg.svd(atoms, full_matrices=False)
    channels, patterns = left[:, :, 0], right[:, 0] * sizes[:, :1]
    largest = np.abs(channels).argmax(axis=1)
    signs = np.where(channels[np.arange(len(channels)), largest] < 0, -1.0, 1.0)[:, None]
    return channels * signs, patterns * signs


def are_products(atoms, channels, patterns):
    rest = np.linalg.norm(atoms - channels[:, :, None] * patterns[:, None], axis=(1, 2))
    return bool((rest <= _RANK1_TOL * np.linalg.norm(atoms, axis=(1, 2))).all())


def factors(curves, scale, height):
    """Factor of each atom that makes its largest value take its part of the cell."""
    axis = (1, 2) if scale == "atom" else None
    largest = np.broadcast_to(np.abs(curves).max(axis=axis), len(curves))
    return height / 2 / np.where(largest > 0, largest, 1)
