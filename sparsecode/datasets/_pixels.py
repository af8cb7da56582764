"""Conversion of pixels of any type to images of floats, some rows at a time."""

from __future__ import annotations

import numpy as np

from ._image import LUMA_WEIGHTS, to_luminance

# Values that are converted at a time.
_ENTRIES = 2**20


def to_float_image(pixels, *, grayscale, dtype):
    """Return an array (height, width) or (height, width, 3) of any real type as an image."""
    out = np.empty(_shape(pixels.shape[:2], grayscale), dtype=dtype)
    fill(out, lambda start, stop: pixels[start:stop], grayscale=grayscale)
    return out


def new_image(height, width, *, grayscale, dtype):
    """Return an image to be filled."""
    return np.empty(_shape((height, width), grayscale), dtype=dtype)


def fill(out, rows, *, grayscale):
    """Fill an image from ``rows(start, stop)``, which gives pixels.

    8-bit and 16-bit unsigned values are scaled into [0, 1]; colour becomes luminance, or grey is
    repeated in three channels.
    """
    step = max(_ENTRIES // max(out.shape[1] * len(LUMA_WEIGHTS), 1), 1)
    for start in range(0, len(out), step):
        stop = min(start + step, len(out))
        block = _scaled(rows(start, stop))
        if grayscale:
            block = to_luminance(block)
        elif block.ndim == 2:
            block = block[:, :, np.newaxis]
        out[start:stop] = block


def _shape(size, grayscale):
    return size if grayscale else (*size, len(LUMA_WEIGHTS))


def _scaled(pixels):
    """Scale 8-bit and 16-bit unsigned values into [0, 1]; keep all others, as floats."""
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        return pixels / float(np.iinfo(pixels.dtype).max)
    return pixels.astype(np.float32 if pixels.dtype == np.float32 else np.float64, copy=False)
