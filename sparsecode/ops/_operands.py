"""Checks of the operands of operations; their cost is negligible."""

from __future__ import annotations

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._validation import FLOAT_DTYPES
from sparsecode._values import check_numbers


def operand(array, name, *, ndim=None, shape=None, compiled=False):
    """Return `array` if it is a real NumPy array with this number of axes or this shape.

    Compiled functions (`compiled`) take only float32 and float64 in native byte order.
    """
    good = isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)
    good = good and (array.dtype in FLOAT_DTYPES if compiled else array.dtype.kind == "f")
    good = good and ndim in (None, array.ndim) and shape in (None, array.shape)
    if not good:
        axes = f" of {ndim} axes" if ndim is not None else ""
        kind = "native float32 or float64" if compiled else "floating-point"
        got = shown(array)
        if isinstance(array, np.ndarray):
            got = f"an array of {array.dtype} of shape {array.shape}"
        raise TypeError(
            wrong(
                name,
                got=got,
                expected=f"a {kind} array{axes}{f' of shape {shape}' if shape else ''}",
                remedy=f"Give {name} as such an array.",
            )
        )
    return array


def thresholds(theta, like):
    """Return one threshold, or one for each column, in the dtype of `like`."""
    if not isinstance(theta, np.ndarray) or theta.dtype.kind != "f":
        theta = check_numbers(theta, "theta")
    if theta.shape not in ((), like.shape[1:]):
        raise ValueError(
            f"theta has shape {theta.shape}; expected () or {like.shape[1:]}, one threshold or "
            "one for each component. Give theta this shape."
        )
    return np.asarray(theta, dtype=like.dtype)


def thresholding_operands(V, theta, out):
    """Return the checked `V`, its thresholds, and the array for the result, for a kernel."""
    V = operand(V, "V", ndim=2, compiled=True)
    return V, thresholds(theta, V), result_array(out, V)


def result_array(out, like):
    """Return `out` if it is an array of the shape and type of `like`, a new one if it is None."""
    if out is None:
        return np.empty_like(like)
    if not isinstance(out, np.ndarray) or (out.shape, out.dtype) != (like.shape, like.dtype):
        raise TypeError(
            wrong(
                "out",
                got=f"an array of {out.dtype} {out.shape}" if hasattr(out, "shape") else shown(out),
                expected=f"an array of {like.dtype} of shape {like.shape}, or None",
                remedy="Leave it out for a new array.",
            )
        )
    return out
