"""Files of raw numbers without a header, one image after the other."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._reading.refusal import Refused
from sparsecode._reading.regular import open_regular, read_into, size_of

from ._image import check_pair

# Values of images lie in this range; in the wrong byte order few floats do.
_LEAST, _MOST = 1e-10, 1e10
# Sides of the images of well-known data sets, first those that are tried first.
_SIDES = (512, 256, 1024, 128)
_ADVICE = (
    "If it holds raw numbers, say how: raw_shape=(512, 512) and raw_dtype='>f4' in Python, "
    "--shape 512x512 --dtype '>f4' in the command, for big-endian floats of 4 bytes."
)


class RawLayout(NamedTuple):
    """Layout of files of raw numbers: shape (height, width) of an image, and type of a number."""

    shape: tuple[int, int]
    dtype: np.dtype

    @property
    def n_bytes(self):
        """Bytes of one image."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def fits(self, size):
        """Whether a file of so many bytes holds whole images."""
        return size > 0 and size % self.n_bytes == 0


def check_layout(shape, dtype):
    """Return a `RawLayout`, or None where no shape is given."""
    if shape is None:
        return None
    shape = check_pair(shape, "raw_shape")
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError):
        found = None
    if found is None or found.kind not in "fiu":
        raise ValueError(
            wrong(
                "raw_dtype",
                got=shown(dtype),
                expected="a type of real numbers of NumPy",
                remedy="Use for example '>f4' (big-endian), '<f4' (little-endian) or 'u1'.",
            )
        )
    return RawLayout(shape, found)


def read_raw(path, layout):
    """Return pairs of a name and an array, one for each image in a file."""
    with open_regular(path) as file:
        size = size_of(file)
        if not layout.fits(size):
            height, width = layout.shape
            raise Refused(
                f"{path} has {size} bytes; expected a multiple of {layout.n_bytes}, the bytes of "
                f"an image of {height} x {width} numbers of type {layout.dtype.str}. Check the "
                "shape (height before width) and the type."
            )
        values = np.empty(size // layout.dtype.itemsize, layout.dtype)
        read_into(path, file, values)
    _check_order(path, values)
    values = values.astype(layout.dtype.newbyteorder("="), copy=False)
    images = values.reshape(-1, *layout.shape)
    if len(images) == 1:
        return [(str(path), images[0])]
    return [(f"{path}, image {i} of {len(images)},", image) for i, image in enumerate(images, 1)]


def raw_advice(size):
    """What to do about a file of so many bytes that may hold raw numbers."""
    for itemsize in (4, 2, 8):
        n_numbers = size // itemsize
        for side in (*_SIDES, math.isqrt(n_numbers)):
            n_images = n_numbers // max(side * side, 1)
            if side >= _SIDES[-1] and n_images * side * side * itemsize == size > 0:
                images = "one image" if n_images == 1 else f"{n_images} images"
                return (
                    f"Its {size} bytes could be {images} of {side} x {side} numbers of {itemsize} "
                    f"bytes. {_ADVICE}"
                )
    return _ADVICE


def _check_order(path, values):
    """Refuse floats that are plausible only in the other byte order."""
    if values.dtype.kind == "f" and not _plausible(values):
        swapped = values.view(values.dtype.newbyteorder())
        if _plausible(swapped):
            raise Refused(
                f"{path} holds values as large as no image has when it is read as "
                f"{values.dtype.str!r}, but ordinary values in the other byte order. Give the type "
                f"{swapped.dtype.str!r}."
            )


def _plausible(values):
    with np.errstate(all="ignore"):
        largest = np.abs(values.astype(np.float64)).max()
    return _LEAST < largest < _MOST
