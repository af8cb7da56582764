"""Noise level of a series, image or volume, estimated from wavelet coefficients."""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike
from scipy.special import ndtri

from sparsecode._row_blocks import release
from sparsecode._validation import check_integer
from sparsecode.datasets._array import check_array, check_finite

# Daubechies' wavelet with two vanishing moments: straight lines have coefficients of 0.
_ROOT = np.sqrt(3)
_WAVELET = np.array([1 - _ROOT, _ROOT - 3, 3 + _ROOT, -1 - _ROOT]) / np.sqrt(32)
# Median of the absolute value of a standard normal variable.
_MEDIAN = ndtri(0.75)
# Values of a larger array that are looked at, in this many slabs of its first axis.
_MOST_VALUES, _SLABS = 2**22, 16


def estimate_sigma(array: ArrayLike, *, channel_axis: int | None = None) -> np.ndarray | float:
    """Estimate the standard deviation of white Gaussian noise in a series, image or volume.

    It is the median absolute value of the finest wavelet coefficients, which hold little but noise,
    over 0.6745, the same median of a standard normal variable. Coefficients are those of
    Daubechies' wavelet with two vanishing moments along every axis, at every position. Those that
    are exactly 0, as of clipped values, are left out.

    The estimate is too large where structure is as fine as the noise: in a photograph with fine
    ornaments by a third at a noise of 10 grey levels of 255, by a tenth at 25. Rounding to whole
    numbers counts as noise of 0.29; values clipped to a range lower the estimate.

    Parameters
    ----------
    array : array-like of shape (length_1, ..., length_n)
        Series, image, volume or video of real numbers. Of more than four million values, as many
        are looked at, in slabs spread over the first axis; a memory map is read in these slabs.
    channel_axis : int or None, default=None
        Axis of channels, each with its own noise level. None is an array of one channel.

    Returns
    -------
    sigma : float, or ndarray of shape (n_channels,) with a `channel_axis`
        In the units of `array`.

    Raises
    ------
    ValueError
        If no axis has 4 values, or if the array holds NaN or infinity.

    References
    ----------
    D. L. Donoho and I. M. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.applications import estimate_sigma
    >>> noise = np.random.default_rng(0).standard_normal((1000, 2)) * [0.1, 5.0]
    >>> ramps = np.linspace(0, 20, 1000)[:, None]
    >>> estimate_sigma(ramps + noise, channel_axis=1).round(2)
    array([0.1, 4.6])
    """
    array = check_array(array, "array")
    if channel_axis is None:
        return float(sigmas_of(array[..., np.newaxis], "array")[0])
    channel_axis = check_integer(channel_axis, "channel_axis", low=-array.ndim, high=array.ndim - 1)
    channel_axis = normalize_axis_index(channel_axis, array.ndim)
    if array.ndim == 1:
        raise ValueError(
            "channel_axis is the only axis of array; expected a second axis, along which noise can "
            "be measured. Leave channel_axis out."
        )
    return sigmas_of(np.moveaxis(array, channel_axis, -1), "array")


def sigmas_of(array: np.ndarray, name: str) -> np.ndarray:
    """Noise level of each channel of a checked array, whose last axis is that of channels."""
    axes = [axis for axis in range(array.ndim - 1) if array.shape[axis] >= len(_WAVELET)]
    if not axes:
        raise ValueError(
            f"{name} has shape {array.shape[:-1]}; expected an axis with at least {len(_WAVELET)} "
            "values to estimate its noise from. Give a larger array, or set sigma."
        )
    sigmas = np.empty(array.shape[-1])
    for channel in range(array.shape[-1]):
        found = [_details(slab[..., channel], axes, name) for slab in _slabs(array)]
        sizes = np.concatenate(found)
        sizes = sizes[sizes > 0]
        sigmas[channel] = np.median(sizes) / _MEDIAN if len(sizes) > 0 else 0.0
    return sigmas


def _slabs(array):
    """The array, or slabs of it that have `_MOST_VALUES` values together."""
    if array.size <= _MOST_VALUES:
        yield array
        return
    length = max(len(array) * _MOST_VALUES // array.size // _SLABS, len(_WAVELET))
    for start in np.unique(np.linspace(0, len(array) - length, _SLABS).astype(int)):
        release(array)
        yield array[start : start + length]


def _details(slab, axes, name):
    """Sizes of the finest wavelet coefficients along all axes, 0 if they are of rounding."""
    check_finite(slab, name)
    details = slab.astype(np.float64)
    rounding = 2.0**-48 * max(details.max(), -details.min())
    for axis in axes:
        n = details.shape[axis] - len(_WAVELET) + 1
        details = sum(
            weight * details[(slice(None),) * axis + (slice(k, k + n),)]
            for k, weight in enumerate(_WAVELET)
        )
    sizes = np.abs(details.reshape(-1))
    sizes[sizes <= rounding] = 0
    return sizes
