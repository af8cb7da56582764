"""Arrays that patches are taken from: real numbers on any number of axes."""

from __future__ import annotations

import math

import numpy as np

from .._messages import shown, wrong
from .._row_blocks import is_on_disk, release
from .._validation import naming, unmasked

# Values that are looked at together.
_ENTRIES = 2**20


def check_array(array, name, *, missing=False):
    """Return an array of real numbers with at least one value, not copied; a memory map stays one.

    Its values are not looked at.
    """
    with naming(name):
        array = np.asarray(unmasked(array, name, missing))
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} has dtype {array.dtype}; expected real numbers. Convert it to floats."
        )
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number; expected an array. Give its values.")
    if array.size == 0:
        raise ValueError(
            f"{name} has no values: its shape is {array.shape}; expected at least one value. Leave "
            "it out."
        )
    return array


def check_finite(array, name, *, missing=False):
    """Refuse infinity, and NaN unless it is a missing value; an array on disk is read in parts."""
    n_wrong = sum(_count(part, missing) for part in parts(array))
    if n_wrong > 0:
        what, kind = ("infinity", "") if missing else ("NaN or infinity", "finite ")
        raise ValueError(
            f"{name} holds {what} in {n_wrong} of {array.size} values; expected {kind}numbers. "
            "Repair it or leave it out."
        )


def check_output(out, shape, dtype):
    """Return the array to write into, a new one of `dtype` if it is None."""
    if out is None:
        return np.empty(shape, dtype)
    fits = isinstance(out, np.ndarray) and out.shape == shape and out.dtype.kind == "f"
    # Another order could not be filled through a view of another shape.
    if not fits or not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError(
            wrong(
                "out",
                got=shown(out),
                expected=f"None, or a writable C-contiguous array of floats of shape {shape}",
                remedy="Make it with numpy.empty, or numpy.lib.format.open_memmap.",
            )
        )
    return out


def parts(array):
    """Slabs of the first axis of an array; pages of a memory map are released as it goes on."""
    if not is_on_disk(array):
        yield array
        return
    step = max(_ENTRIES // max(math.prod(array.shape[1:]), 1), 1)
    for start in range(0, len(array), step):
        release(array)
        yield array[start : start + step]


def _count(array, missing):
    """Number of values that are not finite."""
    if array.dtype.kind != "f":
        return 0
    # A sum is quicker, and takes no memory.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum(dtype=None if array.itemsize > 2 else np.float32)):
            return 0
    return int(np.count_nonzero(np.isinf(array) if missing else ~np.isfinite(array)))
