"""Signals that convolutional methods take: checked, of equal or unequal sizes, with missing entries."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_named_array

_FORMS = {
    1: "(n_signals, n_channels, n_times), (n_signals, n_times), or a list of arrays of shape "
    "(n_channels, n_times) or (n_times,)",
    2: "(n_images, n_channels, height, width), (n_images, height, width), or a list of arrays of "
    "shape (n_channels, height, width) or (height, width)",
}
_KINDS = {1: "signals", 2: "images"}


class Signals(NamedTuple):
    """Signals as arrays (n_channels, height, width) in float64, and where they are observed.

    A series has width 1. `observed` is a list of masks, None for a signal without missing entries,
    whose missing entries are 0 then. `is_list` tells whether they came as a list.
    """

    arrays: list[np.ndarray]
    observed: list[np.ndarray | None]
    dtype: np.dtype
    is_list: bool

    def __len__(self):
        return len(self.arrays)

    @property
    def n_channels(self):
        return self.arrays[0].shape[0]


def check_signals(X: Any, n_dims: int, *, n_channels=None, support=None, missing=False) -> Signals:
    """Return `X` as `Signals`, or raise an error that names what is wrong.

    Parameters
    ----------
    X : array-like or list of array-like
    n_dims : {1, 2}
        Signals or images.
    n_channels : int or None, default=None
        Channels that they must have.
    support : tuple of int or None, default=None
        Size of the atoms, which must fit in.
    missing : bool, default=False
        Whether NaN is a missing entry.
    """
    is_list = isinstance(X, (list, tuple))
    parts = list(X) if is_list else _parts(X, n_dims)
    if not parts:
        raise ValueError(
            wrong(
                "X", got="no signal", expected=_FORMS[n_dims], remedy="Give one signal at least."
            )
        )
    arrays = [_one(part, index, n_dims, missing) for index, part in enumerate(parts)]
    first = n_channels or arrays[0].shape[0]
    for index, array in enumerate(arrays):
        _check_one(array, index, n_dims, first, n_channels is None, support)
    dtype = np.float32 if all(a.dtype == np.float32 for a in arrays) else np.float64
    whole = [array if n_dims == 2 else array[:, :, None] for array in arrays]
    gone = [np.isnan(array) if missing else None for array in whole]
    observed = [~mask if mask is not None and mask.any() else None for mask in gone]
    filled = [
        array.astype(np.float64) if mask is None else np.where(mask, array, 0.0)
        for array, mask in zip(whole, observed, strict=True)
    ]
    return Signals(filled, observed, np.dtype(dtype), is_list)


def _parts(X, n_dims):
    X = _array(X, "X", missing=True)
    if X.ndim not in (n_dims + 1, n_dims + 2):
        raise ValueError(
            wrong(
                "X",
                got=f"an array of {X.ndim} dimensions",
                expected=_FORMS[n_dims],
                remedy="Reshape it; one signal is X[None].",
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


def _one(part, index, n_dims, missing):
    name = f"signal {index} of X"
    array = _array(part, name, missing=True)
    if array.ndim == n_dims:
        array = array[None]
    if array.ndim != n_dims + 1:
        raise ValueError(
            wrong(
                name,
                got=f"an array of shape {array.shape}",
                expected=_FORMS[n_dims],
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


def _check_one(array, index, n_dims, n_channels, is_first, support):
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
