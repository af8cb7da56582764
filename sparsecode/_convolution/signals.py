"""Signals of convolutional methods: checked, of equal or other sizes, with missing entries."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sparsecode._convolution._one_signal import (
    FORMS,
    check_n_dims,
    check_one,
    check_size,
    one_signal,
    parts_of,
)
from sparsecode._messages import wrong


class Signals(NamedTuple):
    """Signals as arrays (n_channels, height, width) in float64, and where they are observed.

    A series has width 1. `observed` is a list of masks, None for a signal without missing entries,
    whose missing entries are 0 then.
    """

    arrays: list[np.ndarray]
    observed: list[np.ndarray | None]
    dtype: np.dtype

    @property
    def n_signals(self):
        """Number of signals."""
        return len(self.arrays)

    @property
    def n_channels(self):
        """Number of channels."""
        return self.arrays[0].shape[0]

    def some(self, order):
        """Some of them."""
        arrays, observed = ([part[i] for i in order] for part in (self.arrays, self.observed))
        return self._replace(arrays=arrays, observed=observed)


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
    parts = list(X) if isinstance(X, (list, tuple)) else parts_of(X, n_dims)
    if not parts:
        raise ValueError(
            wrong(
                "number of signals in X",
                got=0,
                expected="at least 1: " + FORMS[n_dims],
                remedy="Give one signal at least.",
            )
        )
    arrays = [one_signal(part, index, n_dims, missing) for index, part in enumerate(parts)]
    first = n_channels or arrays[0].shape[0]
    for index, array in enumerate(arrays):
        check_one(array, index, n_dims, first, n_channels is None, support)
    dtype = np.float32 if all(a.dtype == np.float32 for a in arrays) else np.float64
    whole = [array if n_dims == 2 else array[:, :, None] for array in arrays]
    gone = [np.isnan(array) if missing else None for array in whole]
    observed = [~mask if mask is not None and mask.any() else None for mask in gone]
    filled = [
        array.astype(np.float64) if mask is None else np.where(mask, array, 0.0)
        for array, mask in zip(whole, observed, strict=True)
    ]
    for index, array in enumerate(filled):
        check_size(array, index)
    return Signals(filled, observed, np.dtype(dtype))


def check_shape(shape: Any, n_dims: int, n_channels: int | None, support: Any) -> None:
    """Raise unless an array of a shape can hold signals, as `check_signals` does."""
    check_n_dims(len(shape), n_dims)
    # All signals are like this one, which takes no memory.
    one = np.broadcast_to(0.0, (1, *shape[1:])[-n_dims - 1 :])
    check_one(one, 0, n_dims, n_channels or one.shape[0], n_channels is None, support)
