"""Signal: a checked array of any number of axes, the size of its patches, and its range."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sparsecode._validation import check_integer, common_dtype
from sparsecode.datasets import Patches, sample_patches
from sparsecode.datasets._array import check_array, check_finite, parts
from sparsecode.datasets._grid import check_fits, split_shape

# Largest noise level or factor, so that squares are in range.
LARGEST_SCALE = 1e100


@dataclass(frozen=True)
class Signal:
    """A checked array with an axis of channels, the size of its patches, and its range.

    Parameters
    ----------
    array : ndarray of shape (length_1, ..., length_n, n_channels)
        In the dtype that was given; perhaps a memory map.
    patch_size : tuple of int
    name : str
        Of the parameter.
    low, high : ndarray of shape (n_channels,)
    """

    array: np.ndarray
    patch_size: tuple[int, ...]
    name: str
    low: np.ndarray
    high: np.ndarray

    @property
    def n_channels(self):
        return self.array.shape[-1]

    @property
    def dtype(self):
        """float32 or float64, of what is returned."""
        return common_dtype(self.array)

    @property
    def n_features(self):
        """Number of values of a patch."""
        return math.prod(self.patch_size) * self.n_channels

    def patches(self, step=1):
        """All patches, to be read."""
        return Patches(self.array, self.patch_size, step=step)

    def draw(self, n_patches, random_state):
        """Up to `n_patches` random patches."""
        n_patches = min(n_patches, len(self.patches()))
        return sample_patches([self.array], self.patch_size, n_patches, random_state=random_state)


def check_image(image):
    """Return an image as an array; raise ValueError if its shape is not that of one."""
    image = check_array(image, "image")
    if image.ndim not in (2, 3):
        raise ValueError(
            f"image has shape {image.shape}; expected (height, width), or (height, width, "
            "n_channels). Use denoise_signal for series, volumes and videos."
        )
    return image


def check_signal(array, patch_size, name, n_axes):
    """Return a `Signal`; one integer `patch_size` is the length of a patch along `n_axes` axes.

    Raises ValueError if the array is smaller than a patch, or holds values that are not finite or
    too large to be squared.
    """
    array = check_array(array, name)
    if np.ndim(patch_size) == 0:
        patch_size = (check_integer(patch_size, "patch_size", low=2),) * n_axes
    patch_size, _ = split_shape(array.shape, patch_size, name)
    if max(patch_size) < 2:
        raise ValueError(
            f"patch_size is {patch_size}; expected a patch of several values. Use longer patches."
        )
    check_fits(array.shape[: len(patch_size)], patch_size, name)
    array = array if array.ndim > len(patch_size) else array[..., np.newaxis]
    lows, highs, axes = [], [], tuple(range(array.ndim - 1))
    for part in parts(array):
        check_finite(part, name)
        lows.append(part.min(axis=axes).astype(float))
        highs.append(part.max(axis=axes).astype(float))
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    if max(high.max(), -low.min()) > LARGEST_SCALE:
        raise ValueError(
            f"{name} has values above {LARGEST_SCALE:g}; expected smaller values, as their squares "
            f"are computed. Divide {name} by its largest value."
        )
    return Signal(array, patch_size, name, low, high)
