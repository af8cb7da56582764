"""Arrays that begin where a cache line does."""

from __future__ import annotations

import math

import numpy as np

_LINE_BYTES = 64


def aligned_empty(shape, dtype):
    """Array in which rows of whole cache lines begin where these do.

    A load that crosses from one line to the next takes twice as long; numpy aligns to 16 bytes.
    """
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    held = np.empty(n_bytes + _LINE_BYTES, dtype=np.uint8)
    start = -held.ctypes.data % _LINE_BYTES
    return held[start : start + n_bytes].view(dtype).reshape(shape)


def aligned(array, dtype=None):
    """Copy of an array, in `dtype` if given, that begins where a cache line does."""
    out = aligned_empty(array.shape, array.dtype if dtype is None else dtype)
    out[...] = array
    return out
