"""Dictionaries of patches: given ones, checked, and cosines to begin with."""

from __future__ import annotations

import math

import numpy as np

from sparsecode._first_atoms import cosine_products
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_integer
from sparsecode.constraints import UnitNorm
from sparsecode.datasets._grid import by
from sparsecode.dictionary import Dictionary, as_dictionary

# Most kinds of differences between channels among the first atoms.
_MOST_CONTRASTS = 5


def patch_dictionary(dictionary, patch_size, n_channels):
    """The given dictionary in float32, or the initial dictionary of learning."""
    n_values = math.prod(patch_size)
    if dictionary is None:
        dictionary = 4 * n_values if n_channels == 1 else 6 * n_values
    if isinstance(dictionary, int):
        return cosine_dictionary(dictionary, patch_size, n_channels)
    dictionary = as_dictionary(dictionary).astype(np.float32)
    if dictionary.n_features != n_values * n_channels:
        raise ValueError(
            f"dictionary has atoms of {dictionary.n_features} features; expected "
            f"{n_values * n_channels}, the values of a patch of {by(patch_size)} with "
            f"{n_channels} channel(s). Set patch_size to the patch size of the dictionary."
        )
    return dictionary


def cosine_dictionary(n_components, patch_size, n_channels):
    """Overcomplete cosines. With several channels, two thirds of the atoms have all of them alike.

    The other atoms are differences between channels: in colour, of red and blue, and of green and
    the others.
    """
    n_contrasts = min(n_channels - 1, _MOST_CONTRASTS)
    n_other = n_components // (3 * n_contrasts) if n_contrasts > 0 else 0
    contrasts = cosine_products(n_channels, (n_channels,))[: 1 + n_contrasts]
    counts = (n_components - n_contrasts * n_other, *[n_other] * n_contrasts)
    atoms = [
        np.kron(cosine_products(count, patch_size), contrast)
        for count, contrast in zip(counts, contrasts, strict=True)
        if count > 0
    ]
    return Dictionary(np.vstack(atoms).astype(np.float32), constraint=UnitNorm())


def check_dictionary(dictionary):
    """Return None, a number of atoms as an int, or atoms; raise if it is none of these."""
    if isinstance(dictionary, (int, np.integer)) and not isinstance(dictionary, bool):
        return check_integer(dictionary, "dictionary")
    if isinstance(dictionary, (bool, str, float)):
        raise ValueError(
            wrong(
                "dictionary",
                got=shown(dictionary),
                expected="None, a number of atoms, a Dictionary, or an array of atoms",
                remedy="Use None to learn one of the usual size.",
            )
        )
    return dictionary
