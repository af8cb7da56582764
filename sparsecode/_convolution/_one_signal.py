"""One signal of several, checked: its dimensions, channels, size and missing entries."""

from __future__ import annotations

import numpy as np

from sparsecode._collections import is_collection
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_named_array

FORMS = {
    1: "(n_signals, n_channels, n_times), (n_signals, n_times), or a list of arrays of shape "
    "(n_channels, n_times) or (n_times,)",
    2: "(n_images, n_channels, height, width), (n_images, height, width), or a list of arrays of "
    "shape (n_channels, height, width) or (height, width)",
}
# So that sums of squares stay within the range of float64.
_LARGEST = 1e140
# Of an image in colours.
_FEW_CHANNELS = 4


def parts_of(X, n_dims):
    """Signals of an array, along its first dimension."""
    X = _array(X, "X", missing=True)
    check_n_dims(X.ndim, n_dims)
    return list(X)


def check_n_dims(ndim, n_dims):
    """Raise unless an array of `ndim` dimensions can hold signals or images."""
    if ndim not in (n_dims + 1, n_dims + 2):
        raise ValueError(
            wrong(
                "X",
                got=f"an array of {ndim} dimensions",
                expected=FORMS[n_dims],
                remedy="Reshape your data; one signal is X[None].",
            )
        )


def _array(X, name, missing):
    if is_collection(X):
        raise TypeError(
            wrong(
                name,
                got="a Dask collection",
                expected="an array in memory",
                remedy="Pass X.compute(), or use ConvolutionalSparseCoder, which codes chunk by "
                "chunk.",
            )
        )
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
                f"number of NaN in {name}",
                got=n_nan,
                expected="0",
                remedy="Fill them in, or have them left out where there is a parameter missing: "
                "missing='mask' of an estimator, missing=True of a solver.",
            )
        )
    if n_nan == array.size:
        raise ValueError(
            wrong(
                f"number of observed entries of {name}",
                got=0,
                expected="at least 1",
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
                f"number of channels of {name}",
                got=array.shape[0],
                expected=f"{n_channels}, as {source}",
                remedy=_channel_advice(array, n_dims),
            )
        )
    sizes = array.shape[1:]
    if support is not None and any(n < m for n, m in zip(sizes, support, strict=True)):
        raise ValueError(
            wrong(
                f"size of {name}",
                got=shown(sizes),
                expected=f"at least the size of an atom, {shown(tuple(support))}",
                remedy=(
                    _looks_turned(array, n_dims) + " Take smaller atoms, or leave it out."
                ).strip(),
            )
        )


def check_size(array, index):
    """Raise where the square of a signal is beyond the range of float64."""
    largest = np.abs(array).max()
    if largest > _LARGEST:
        raise ValueError(
            wrong(
                f"largest entry of signal {index} of X",
                got=f"{largest:.3g}",
                expected=f"at most {_LARGEST:g}, so that its square is a number",
                remedy="Divide the signals and alpha by a number.",
            )
        )


def _channel_advice(array, n_dims):
    return _looks_turned(array, n_dims) or "Give channels first, the same number for all."


def _looks_turned(array, n_dims):
    """Advice for an array whose channels seem to be in another place, or nothing."""
    if n_dims == 1 and array.shape[0] > array.shape[1]:
        return (
            "It has more channels than times: if it is an image, or times come first, transpose "
            "it, or use atoms with two dimensions."
        )
    if n_dims == 2 and array.shape[-1] <= _FEW_CHANNELS < min(array.shape[:2]):
        return "Its channels seem to come last: move them first, with np.moveaxis(X, -1, 1)."
    return ""
