"""The grid of patches of an array of any number of axes: where they begin, and their sum."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .._messages import shown, wrong
from .._validation import check_integer

# Values of patches that are added at a time: their places stay in the cache.
_ADDED = 2**16


class Grid:
    """Positions of patches, in reading order.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array, with the channels as the last axis, 1 if there are none.
    patch_size, step : tuple of int
        One length for each axis but the last.
    """

    def __init__(self, shape, patch_size, step):
        self.shape, self.patch_size = shape, patch_size
        self.starts = [
            _starts(*lengths) for lengths in zip(shape[:-1], patch_size, step, strict=True)
        ]
        self.counts = tuple(map(len, self.starts))
        self.n_patches = math.prod(self.counts)
        self.n_features = math.prod(patch_size) * shape[-1]
        self._strides = np.cumprod((1, *shape[:0:-1]))[::-1].astype(np.intp)

    def at(self, rows):
        """First index along each axis of some patches, given by their numbers."""
        found = np.unravel_index(rows, self.counts)
        return tuple(starts[i] for starts, i in zip(self.starts, found, strict=True))

    def coverage(self, first=0, stop=None):
        """Number of patches over each element of a slab of the first axis, channels of length 1."""
        covers = [
            _coverage(starts, patch, length)
            for starts, patch, length in zip(
                self.starts, self.patch_size, self.shape[:-1], strict=True
            )
        ]
        cover = covers[0][first:stop]
        for other in covers[1:]:
            cover = np.multiply.outer(cover, other)
        return cover[..., np.newaxis]

    def read(self, array, rows, dtype):
        """Patches of an array of the shape of the grid, as rows of a new matrix."""
        if array.flags.c_contiguous:
            X = array.reshape(-1)[self._places(rows)]
        else:
            windows = sliding_window_view(array, self.patch_size, axis=tuple(self._axes))
            # Channels come before the values of a patch, and belong behind them.
            X = np.moveaxis(windows[self.at(rows)], 1, -1).reshape(len(rows), -1)
        return X.astype(dtype, copy=False)

    def sums(self, blocks):
        """Add patches where they overlap, and give what is complete, from first to last.

        Parameters
        ----------
        blocks : iterable of ndarray of shape (n, n_features)
            All patches in reading order, some at a time.

        Yields
        ------
        slab : slice
            Of the first axis.
        total : ndarray
            Sum of the patches over each element of the slab, in float64. It does not depend on the
            blocks.
        """
        firsts, n_each = self.starts[0], self.n_patches // self.counts[0]
        done = seen = 0
        total = np.zeros((0, *self.shape[1:]))
        for X in blocks:
            if len(X) == 0:
                continue
            stop = firsts[(seen + len(X) - 1) // n_each] + self.patch_size[0]
            if stop - done > len(total):
                more = np.zeros((stop - done - len(total), *self.shape[1:]))
                total = np.concatenate([total, more])
            self._add(total, X, seen, done)
            seen += len(X)
            complete = self.shape[0] if seen == self.n_patches else firsts[seen // n_each]
            if complete > done:
                yield slice(done, complete), total[: complete - done]
                total, done = total[complete - done :], complete

    def _add(self, total, X, seen, done):
        """Add consecutive patches to a slab that begins at `done`."""
        flat = total.reshape(-1)
        step = max(_ADDED // self.n_features, 1)
        for i in range(0, len(X), step):
            some = X[i : i + step]
            places = self._places(np.arange(seen + i, seen + i + len(some)))
            places -= done * self._strides[0]
            # In the order of the patches, whatever the blocks.
            np.add.at(flat, places.reshape(-1), some.reshape(-1).astype(np.float64, copy=False))

    def _places(self, rows):
        """Places of the values of patches in the flat array."""
        begins = sum(
            start * stride for start, stride in zip(self.at(rows), self._strides, strict=False)
        )
        return begins[:, np.newaxis] + self._inside

    @cached_property
    def _inside(self):
        """Places of the values of the first patch."""
        inside = np.zeros(1, dtype=np.intp)
        for length, stride in zip((*self.patch_size, self.shape[-1]), self._strides, strict=True):
            inside = np.add.outer(inside, stride * np.arange(length)).reshape(-1)
        return inside

    @property
    def _axes(self):
        return range(len(self.patch_size))


def grid_of(shape, patch_size, step, name):
    """Grid of the patches of an array of a shape; the array is called `name` in errors.

    An integer `patch_size` is for a series, an image or a colour image.
    """
    patch_size, n_channels = split_shape(shape, patch_size, name)
    shape = shape[: len(patch_size)]
    if np.ndim(step) == 0:
        step = (step,) * len(patch_size)
    if np.shape(step) != np.shape(patch_size):
        raise ValueError(
            wrong(
                "step",
                got=shown(step),
                expected=f"an integer or {len(patch_size)} of them, as many as in patch_size",
                remedy="Use 1 for patches at every position.",
            )
        )
    step = tuple(check_integer(stride, "step") for stride in step)
    if any(stride > length for stride, length in zip(step, patch_size, strict=True)):
        raise ValueError(
            f"step is {step} but a patch has only {patch_size} values, so that some values would "
            "be in no patch. Use a smaller step, or sample_patches for patches at random "
            "positions."
        )
    check_fits(shape, patch_size, name)
    return Grid((*shape, n_channels), patch_size, step)


def check_fits(shape, patch_size, name):
    """Refuse an array that is smaller than a patch."""
    if any(length < patch for length, patch in zip(shape, patch_size, strict=True)):
        raise ValueError(
            f"{name} has {by(shape)} values, smaller than a patch of {by(patch_size)} "
            "(patch_size). Use smaller patches, or give a larger array."
        )


def split_shape(shape, patch_size, name):
    """Length of a patch along each axis, and number of channels, 1 if there is no such axis."""
    if np.ndim(patch_size) == 0:
        length = check_integer(patch_size, "patch_size")
        if len(shape) in (1, 2):
            return (length,) * len(shape), 1
        if len(shape) == 3 and shape[2] == 3:
            return (length,) * 2, 3
        raise ValueError(_unclear(shape, length, name))
    axes = len(shape)
    if np.ndim(patch_size) != 1 or not 0 < len(patch_size) <= axes <= len(patch_size) + 1:
        raise ValueError(
            wrong(
                "patch_size",
                got=f"{shown(patch_size)} and {name} has shape {shape}",
                expected="an integer, or one integer for each axis; an axis of channels, which is "
                "the last one, has none",
                remedy="Use (8, 8) for images, (8, 8, 8) for volumes, (32,) for series.",
            )
        )
    lengths = tuple(check_integer(length, "patch_size") for length in patch_size)
    return lengths, shape[-1] if len(shape) > len(lengths) else 1


def by(shape):
    """Lengths as in "8 x 8"."""
    return " x ".join(map(str, shape))


def _unclear(shape, length, name):
    opacity = ""
    if len(shape) == 3 and shape[2] in (2, 4):
        opacity = f" If the last channel is opacity, leave it out: {name}[..., :-1]."
    elif len(shape) == 3 and shape[2] == 1:
        opacity = f" Leave out an axis of length 1: {name}[..., 0]."
    axes = max(len(shape) - 1, 1)
    return (
        f"{name} has shape {shape}, and patch_size is {length}; expected one length for each axis "
        "of a patch, as only series, images and colour images have patches of one length. Set "
        f"patch_size to {(length,) * axes} if the last axis is that of channels, to "
        f"{(length,) * len(shape)} if there are none; take the arrays of a stack one by one."
        + opacity
    )


def _starts(length, patch, step):
    """First indices along an axis; the last patch is flush with the border."""
    starts = np.arange(0, length - patch + 1, step)
    last = length - patch
    return starts if starts[-1] == last else np.append(starts, last)


def _coverage(starts, patch, length):
    """Number of patches over each element of an axis."""
    edges = np.zeros(length + 1)
    edges[starts] += 1
    edges[starts + patch] -= 1
    return np.cumsum(edges[:-1])
