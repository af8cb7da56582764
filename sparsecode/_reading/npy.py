"""Arrays as NumPy writes them, whose headers must agree with their sizes."""

from __future__ import annotations

import numpy as np

from sparsecode._reading.refusal import damaged, refusal
from sparsecode._reading.regular import read_into

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_MOST_AXES = 32


def read_npy(label, stream, n_bytes, kinds="fiu"):
    """Return the array that fills the `n_bytes` of a stream, in the byte order of the machine.

    Types of the `kinds` of NumPy are read, and bfloat16 as uint16 in a structure of its own, for
    `widened`.
    """
    shape, by_columns, dtype = read_npy_header(label, stream, n_bytes, kinds)
    values = np.empty(shape, dtype, order="F" if by_columns else "C")
    if values.nbytes:
        read_into(label, stream, values.reshape(-1, order="A"))
    return values.astype(dtype.newbyteorder("="), copy=False)


def read_npy_header(label, stream, n_bytes, kinds="fiu"):
    """Return shape, whether it is by columns, and type of an array that fills a stream."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise damaged(label, f"it is written in version {version} of the npy format")
    shape, by_columns, dtype = _HEADERS[version](stream)
    # NumPy does not know bfloat16, and keeps such arrays as pairs of bytes.
    if dtype.kind not in kinds and dtype != np.dtype("V2"):
        raise refusal(
            label, got=f"of type {dtype}", expected="numbers", remedy="Convert it to float32."
        )
    size = dtype.itemsize
    for length in shape:
        size *= length
    known = min(shape, default=0) >= 0 and len(shape) <= _MOST_AXES
    if not known or stream.tell() + size != n_bytes:
        raise damaged(label, f"its {n_bytes} bytes do not fit an array of shape {shape}")
    return shape, by_columns, dtype


def widened(array):
    """Return half precision as float32, anything else as it is."""
    if array.dtype == np.dtype("V2"):
        return from_bfloat16(array.view("<u2"))
    return array.astype(np.float32) if array.dtype == np.float16 else array


def from_bfloat16(bits):
    """Return float32 numbers of which `bits`, as uint16, are the upper halves: exactly these."""
    wide = bits.astype("<u4")
    wide <<= 16
    return wide.view("<f4").astype(np.float32, copy=False)
