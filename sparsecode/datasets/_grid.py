"""The grid of patches of an image: where they begin, a view of them, and their sum."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ._image import check_pair


def view_patches(image, patch_size):
    """View every patch: (n_rows, n_columns, patch height, patch width[, 3])."""
    windows = sliding_window_view(image, patch_size, axis=(0, 1))
    return windows if image.ndim == 2 else np.moveaxis(windows, 2, -1)


def grid(image_shape, patch_size, step):
    """First rows and first columns of the patches."""
    step = check_pair(step, "step")
    if step[0] > patch_size[0] or step[1] > patch_size[1]:
        raise ValueError(
            f"step is {step} but a patch has only {patch_size} pixels, so that some pixels would "
            "be in no patch. Use a smaller step, or sample_patches for patches at random "
            "positions."
        )
    starts = []
    for length, patch, stride in zip(image_shape[:2], patch_size, step, strict=True):
        start = np.arange(0, length - patch + 1, stride)
        last = length - patch
        starts.append(start if start[-1] == last else np.append(start, last))
    return starts


def add_patches(image, X, rows, columns, patch_size):
    """Add patches to an image (height, width, n_channels), in place, where they overlap too.

    Patches begin at `rows` and `columns`, in reading order.
    """
    height, width = patch_size
    patches = X.reshape(len(rows), len(columns), height, width, image.shape[2])
    # One strip of patches at a time: what is added to stays in the cache.
    for row, strip in zip(rows, patches, strict=True):
        for j in range(width):
            image[row : row + height, columns + j] += strip[:, :, j].swapaxes(0, 1)


def coverage(image_shape, rows, columns, patch_size):
    """Number of patches over each pixel, shape (height, width)."""
    return np.multiply.outer(
        _coverage(rows, patch_size[0], image_shape[0]),
        _coverage(columns, patch_size[1], image_shape[1]),
    )


def _coverage(starts, patch_length, length):
    """Number of patches over each pixel of an axis."""
    edges = np.zeros(length + 1)
    edges[starts] += 1
    edges[starts + patch_length] -= 1
    return np.cumsum(edges[:-1])
