"""Restoration of an image patch by patch: remove means, code patches, average overlaps."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_integer
from sparsecode.constraints import UnitNorm
from sparsecode.datasets import sample_patches
from sparsecode.datasets._grid import add_patches, coverage, grid, view_patches
from sparsecode.datasets._image import check_image, check_image_size
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.initialization import initial_dictionary
from sparsecode.solvers import OMP

# Largest number of values of patches in memory at a time.
_MOST_VALUES = 2**22
# Largest noise level or factor, so that squares are in range.
LARGEST_SCALE = 1e100


def check_image_and_patch(image, patch_size):
    """Return the image as (height, width, n_channels), and the size of a patch as an int.

    Raises ValueError if `image` is not an image, or is smaller than a patch.
    """
    image = check_image(image)
    if float(np.abs(image).max()) > LARGEST_SCALE:
        raise ValueError(
            f"image has values above {LARGEST_SCALE:g}; expected smaller values, as their squares "
            "are computed. Divide image by its largest value."
        )
    patch_size = check_integer(patch_size, "patch_size", low=2)
    check_image_size(image, (patch_size, patch_size))
    return image.reshape(*image.shape[:2], -1), patch_size


def average_patches(image, patch_size, restore, *, step=1):
    """Sum of the restored patches over each pixel, and number of patches over each pixel.

    Parameters
    ----------
    image : ndarray of shape (height, width, n_channels)
    patch_size : int
    restore : callable
        Function of patches (n_patches, n_features) that returns an array of the same shape.
    step : int, default=1

    Returns
    -------
    total : ndarray of shape (height, width, n_channels)
        float64.
    cover : ndarray of shape (height, width, 1)
    """
    patch_size = (patch_size, patch_size)
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
    """Subtract from each patch the mean of its observed values in each channel; return both.

    The means have the shape of the patches. NaN is a missing value, and stays NaN.
    """
    X = X.reshape(len(X), -1, n_channels)
    n_observed = np.maximum(np.count_nonzero(~np.isnan(X), axis=1, keepdims=True), 1)
    means = np.nansum(X, axis=1, keepdims=True) / n_observed.astype(X.dtype)
    shape = (len(X), -1)
    return (X - means).reshape(shape), np.broadcast_to(means, X.shape).reshape(shape)


def draw_patches(image, patch_size, n_patches, random_state):
    """Draw up to `n_patches` patches of an image (height, width, n_channels), minus their means."""
    height, width, n_channels = image.shape
    n_positions = (height - patch_size + 1) * (width - patch_size + 1)
    image = image if n_channels == 3 else image[:, :, 0]
    X = sample_patches([image], patch_size, min(n_patches, n_positions), random_state=random_state)
    return without_means(X, n_channels)[0]


@dataclass
class PatchCoder(OMP):
    """`OMP` that counts the patches that miss their error, instead of a warning at each call."""

    def __post_init__(self):
        self.forget()

    def forget(self):
        """Reset the counts to 0."""
        self.n_missed = self.n_coded = 0

    def solve(self, X, dictionary, penalty, **options):
        result = super().solve(X, dictionary, penalty, **options)
        self.n_coded += len(result.converged)
        return result

    def decode(self, X, dictionary, penalty, n_channels, *, missing=False, n_jobs=None):
        """Patches rebuilt from their codes, with their means put back."""
        X, means = without_means(X, n_channels)
        options = {"missing": missing, "sparse_output": True, "n_jobs": n_jobs}
        return dictionary.decode(self.solve(X, dictionary, penalty, **options).codes) + means

    def warn_of_missed(self, function, remedy):
        """Warn once if any patch missed its error; the message names the public `function`.

        Call it from that function itself, so that the warning points at the caller's line.
        """
        if self.n_missed > 0:
            warnings.warn(
                f"{function}: {self.n_missed} of {self.n_coded} patches have a larger error than "
                f"allowed, and no other atom reduces it. {remedy}",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _warn(self, problem, stop, n_samples, may_go_on):
        self.n_missed += len(stop)


def patch_dictionary(dictionary, patch_size, n_channels):
    """The given dictionary in float32, or the initial dictionary of learning."""
    n_pixels = patch_size**2
    if dictionary is None:
        dictionary = 4 * n_pixels if n_channels == 1 else 6 * n_pixels
    if isinstance(dictionary, int):
        return cosine_dictionary(dictionary, patch_size, n_channels)
    dictionary = as_dictionary(dictionary).astype(np.float32)
    if dictionary.n_features != n_pixels * n_channels:
        raise ValueError(
            f"dictionary has atoms of {dictionary.n_features} features; expected "
            f"{n_pixels * n_channels}, the values of a patch of {patch_size} x {patch_size} "
            f"pixels with {n_channels} channel(s). Set patch_size to the patch size of the "
            "dictionary."
        )
    return dictionary


def cosine_dictionary(n_components, patch_size, n_channels):
    """Overcomplete cosines. In colour, two thirds of the atoms are grey.

    The other atoms are red against blue, or red and blue against green.
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
    like = np.zeros((1, patch_size**2), dtype=np.float32)
    return initial_dictionary("dct", like, n_components).atoms


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
