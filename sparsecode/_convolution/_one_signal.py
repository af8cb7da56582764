"""One signal of several, checked: its dimensions, channels, size and missing entries."""

from __future__ import annotations

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_named_array

FORMS = {
    1: "(n_signals, n_channels, n_times), (n_signals, n_times), or a list of arrays of shape "
    "(n_channels, n_times) or (n_times,)",
    2: "(n_images, n_channels, height, width), (n_images, height, width), or a list of arrays of "
    "shape (n_channels, height, width) or (height, width)",
}
_KINDS = {1: "signals", 2: "images"}


def parts_of(X, n_dims):
    """Signals of an array, along its first dimension."""
    X = _array(X, "X", missing=True)
    if X.ndim not in (n_dims + 1, n_dims + 2):
        raise ValueError(
            wrong(
                "X",
                got=f"an array of {X.ndim} dimensions",
                expected=FORMS[n_dims],
                remedy="Reshape your data; one signal is X[None].",
            )
        )
    return list(X)


def _array(X, name, missing):
    return check_named_array(
        X,
        name,
        dtype=[np.float64, np.float32],
        ensure_2d=False,
        allow_nd=True,
        ensure_all_finite="allow-nan" if missing else True,
    )


def one_signal(part, index, n_dims, missing):
    """One signal with its channels first."""
    name = f"signal {index} of X"
    array = _array(part, name, missing=True)
    if array.ndim == n_dims:
        array = array[None]
    if array.ndim != n_dims + 1:
        raise ValueError(
            wrong(
                name,
                got=f"an array of shape {array.shape}",
                expected=FORMS[n_dims],
                remedy="Give every signal with its channels first.",
            )
        )
    n_nan = int(np.isnan(array).sum())
    if n_nan and not missing:
        raise ValueError(
            wrong(
                name,
                got=f"{n_nan} entries that are NaN",
                expected="finite numbers",
                remedy="Set missing='mask' to code a signal by its other entries, or fill them in.",
            )
        )
    if n_nan == array.size:
        raise ValueError(
            wrong(
                name,
                got="no observed entry",
                expected="at least one entry that is not NaN",
                remedy="Leave this signal out.",
            )
        )
    return array


def check_one(array, index, n_dims, n_channels, is_first, support):
    """Raise unless it has the channels of the others, and the size of an atom at least."""
    name = f"signal {index} of X"
    if array.shape[0] != n_channels:
        source = "the first one has" if is_first else "the atoms have"
        raise ValueError(
            wrong(
                name,
                got=f"{array.shape[0]} channels",
                expected=f"{n_channels}, as {source}",
                remedy=_channel_advice(array, n_dims),
            )
        )
    sizes = array.shape[1:]
    if support is not None and any(n < m for n, m in zip(sizes, support, strict=True)):
        raise ValueError(
            wrong(
                name,
                got=f"{_KINDS[n_dims]} of size {shown(sizes)}",
                expected=f"at least the size of an atom, {shown(tuple(support))}",
                remedy=_channel_advice(array, n_dims) + " Or take smaller atoms.",
            )
        )


def _channel_advice(array, n_dims):
    if n_dims == 1 and array.shape[0] > array.shape[1]:
        return (
            "It has more channels than times: if it is an image, or times come first, transpose "
            "it, or use atoms with two dimensions."
        )
    return "Give channels first, the same number for all."
