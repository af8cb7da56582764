"""Signals and images in a Dask array: their checks and shapes, without computing anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._convolution.signals import check_shape
from sparsecode._messages import shown, wrong
from sparsecode.convolutional._padding import cropped
from sparsecode.distributed._clients import check_open
from sparsecode.distributed._samples import as_numbers, check_known


def as_signals(
    X: Any, n_dims: int, *, n_channels: int | None, support: Any, computes: bool = False
) -> Any:
    """Dask array (n_signals, n_channels, ...), whose chunks hold whole signals.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame
        Without the dimension of channels it is of one channel.
    n_dims : {1, 2}
        Signals or images.
    n_channels : int or None
        Channels that they must have.
    support : tuple of int or None
        Size of the atoms, which must fit in.
    computes : bool, default=False
        Whether the client of this thread is needed now.

    Raises
    ------
    TypeError
        If it is no array or DataFrame, or does not hold numbers.
    ValueError
        If its shape does not fit or is unknown, or signals are divided between chunks.
    """
    array = as_numbers(X, "X")
    check_open(X, "X", computes=computes)
    check_whole(array, X, "X", "signals" if n_dims == 1 else "images")
    check_shape(array.shape, n_dims, n_channels, support)
    return array if array.ndim == n_dims + 2 else array[:, None]


def check_whole(array: Any, X: Any, name: str, of: str) -> None:
    """Raise ValueError if sizes are unknown, or chunks hold parts of what has the name `of`."""
    check_known(array, X, name, of)
    divided = [axis for axis in range(1, array.ndim) if array.numblocks[axis] > 1]
    if divided:
        axes = ", ".join(f"{axis}: -1" for axis in divided)
        raise ValueError(
            wrong(
                name,
                got=f"a Dask array with {shown(array.numblocks)} chunks",
                expected=f"whole {of} in each chunk, which are divided in the first dimension",
                remedy=f"Pass {name}.rechunk({{{axes}}}).",
            )
        )


def code_shape(dictionary: Any, X: Any, boundary: str) -> tuple[int, ...]:
    """Shape of the code of a signal of `X`, (n_components, ...)."""
    less = np.subtract(dictionary.support, 1)
    sizes = X.shape[2:] + (less if boundary == "zero" else -less)
    return dictionary.n_components, *sizes.tolist()


def signal_shape(dictionary: Any, codes: Any, boundary: str) -> tuple[int, ...]:
    """Shape of the signal that a code of `codes` makes, (n_channels, ...)."""
    sizes = np.add(codes.shape[2:], dictionary.support) - 1
    # Takes no memory.
    whole = np.broadcast_to(0.0, (dictionary.n_channels, *sizes, 1)[:3])
    return cropped(whole, dictionary.support, boundary).shape[: codes.ndim - 1]


def code_dtype(dictionary: Any, X: Any) -> np.dtype:
    """Type of the codes of signals, and of signals from codes."""
    return np.result_type(np.float32 if X.dtype == np.float32 else np.float64, dictionary.dtype)
