"""Bound of the largest entries, found by bisection."""

from __future__ import annotations

import numpy as np

from sparsecode import _jit


def sized_buffer(n, dtype):
    """Return a buffer for `n` non-negative floats, and an integer view of their bits."""
    bits = np.empty(n, dtype=f"int{8 * np.dtype(dtype).itemsize}")
    return bits.view(dtype), bits


def octave(dtype):
    """Increase of the bits of a float, read as an integer, when it doubles."""
    info = np.finfo(dtype)
    return np.dtype(f"int{info.bits}").type(1) << info.nmant


@_jit.inner
def least_selected(bits, octave, n_selected):
    """Positive bound that the given number of entries reach, or more if the last ones are equal.

    The bits of non-negative floats, read as integers, have the order of the floats. So the
    bisection counts integers, which is the fastest way on a processor.
    """
    high, count = bits[0], 0
    for j in range(bits.shape[0]):
        high = max(high, bits[j])
    for j in range(bits.shape[0]):
        count += bits[j] > 0
    if count <= n_selected:
        return 1
    low, step, reach = high + 1, octave, 0
    while reach < n_selected:
        high, low = low, max(low - step, 1)
        if step < low - step:
            step += step
        reach = count_from(bits, low)
    while reach != n_selected and high - low > 1:
        middle = low + (high - low) // 2
        count = count_from(bits, middle)
        if count >= n_selected:
            low, reach = middle, count
        else:
            high = middle
    return low


@_jit.inner
def count_from(bits, least):
    """Number of entries that reach a bound."""
    count = 0
    for j in range(bits.shape[0]):
        count += bits[j] >= least
    return count
