"""An image worked on patch by patch: means taken off, patches coded, overlaps averaged."""

from __future__ import annotations

import numpy as np

from sparsecode._validation import wrong
from sparsecode.constraints import UnitNorm
from sparsecode.datasets._grid import add_patches, coverage, grid, view_patches
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.solvers import OMP

# Values of the patches that are held at a time.
_MOST_VALUES = 2**22


def average_patches(image, patch_size, restore, *, step=1):
    """Sum of the restored patches over each pixel, and how many there are.

    Parameters
    ----------
    image : ndarray of shape (height, width, n_channels)
    patch_size : (int, int)
    restore : callable
        Takes patches (n_patches, n_features) and returns as many.
    step : int, default=1

    Returns
    -------
    total : ndarray of shape (height, width, n_channels)
        float64.
    cover : ndarray of shape (height, width, 1)
    """
    rows, columns = grid(image.shape, patch_size, step)
    patches, total = view_patches(image, patch_size), np.zeros(image.shape)
    n_features = patch_size[0] * patch_size[1] * image.shape[2]
    height = max(1, _MOST_VALUES // (len(columns) * n_features))
    for start in range(0, len(rows), height):
        some = rows[start : start + height]
        X = np.ascontiguousarray(patches[np.ix_(some, columns)]).reshape(-1, n_features)
        add_patches(total, restore(X), some, columns, patch_size)
    return total, coverage(image.shape, rows, columns, patch_size)[:, :, None]


def without_means(X, n_channels):
    """Patches less the mean of their observed values in each channel, and these means.

    The means have the shape of the patches; NaN is a missing value, and stays one.
    """
    X = X.reshape(len(X), -1, n_channels)
    n_observed = np.maximum(np.count_nonzero(~np.isnan(X), axis=1, keepdims=True), 1)
    means = np.nansum(X, axis=1, keepdims=True) / n_observed.astype(X.dtype)
    shape = (len(X), -1)
    return (X - means).reshape(shape), np.broadcast_to(means, X.shape).reshape(shape)


def code_and_decode(X, dictionary, penalty, n_channels, *, missing=False, n_jobs=None):
    """Patches rebuilt from their codes by `OMP`, with their means put back."""
    X, means = without_means(X, n_channels)
    codes = (
        OMP()
        .solve(X, dictionary, penalty, missing=missing, sparse_output=True, n_jobs=n_jobs)
        .codes
    )
    return dictionary.decode(codes) + means


def patch_dictionary(dictionary, patch_size, n_channels):
    """The dictionary that was given, in float32, or the one to start learning from."""
    n_pixels = patch_size[0] * patch_size[1]
    if dictionary is None:
        dictionary = 4 * n_pixels if n_channels == 1 else 6 * n_pixels
    if isinstance(dictionary, int):
        return cosine_dictionary(dictionary, patch_size, n_channels)
    dictionary = as_dictionary(dictionary).astype(np.float32)
    if dictionary.n_features != n_pixels * n_channels:
        raise ValueError(
            f"dictionary has atoms of {dictionary.n_features} features; expected "
            f"{n_pixels * n_channels}, the values of a patch of {patch_size[0]} x {patch_size[1]} "
            f"pixels with {n_channels} channel(s). Set patch_size to that of the dictionary."
        )
    return dictionary


def cosine_dictionary(n_components, patch_size, n_channels):
    """Products of overcomplete cosines, slow ones first; of colour, two thirds are grey.

    The other thirds are red against blue, and these two against green.
    """
    if n_channels == 1:
        return Dictionary(_cosines(n_components, patch_size), constraint=UnitNorm())
    n_opponent = n_components // 6
    counts = (n_components - 2 * n_opponent, n_opponent, n_opponent)
    colours = ([[1, 1, 1]], [[1, 0, -1]], [[1, -2, 1]])
    parts = [
        np.kron(_cosines(count, patch_size), np.array(colour, dtype=np.float32))
        for count, colour in zip(counts, colours, strict=True)
        if count > 0
    ]
    return Dictionary(np.vstack(parts), constraint=UnitNorm())


def _cosines(n_components, patch_size):
    # As many frequencies a side as needed, in proportion to the sides.
    share = np.sqrt(n_components / (patch_size[0] * patch_size[1]))
    sides = [max(1, int(np.ceil(share * length - 1e-9))) for length in patch_size]
    down, across = (
        Dictionary.dct(side, length).atoms for side, length in zip(sides, patch_size, strict=True)
    )
    frequency = np.add.outer(np.arange(sides[0]) / sides[0], np.arange(sides[1]) / sides[1])
    slow = np.argsort(frequency.ravel(), kind="stable")[:n_components]
    return np.kron(down, across)[slow].astype(np.float32)


def check_choice(dictionary):
    """Raise unless `dictionary` is None, a number of atoms, or atoms."""
    whole = isinstance(dictionary, (int, np.integer)) and not isinstance(dictionary, bool)
    if isinstance(dictionary, (bool, str, float)) or (whole and dictionary < 1):
        raise ValueError(
            wrong(
                "dictionary",
                got=repr(dictionary),
                expected="None, a number of atoms >= 1, a Dictionary, or an array of atoms",
                remedy="Use None to learn one of the usual size.",
            )
        )
    return int(dictionary) if whole else dictionary
