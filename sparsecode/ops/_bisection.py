"""A bound that the largest entries reach, found by counting."""

from __future__ import annotations

import numpy as np

from sparsecode import _jit


def sized_buffer(n, dtype):
    """Room for so many numbers that are not negative, as floats and as their bits."""
    bits = np.empty(n, dtype=f"int{8 * np.dtype(dtype).itemsize}")
    return bits.view(dtype), bits


def octave(dtype):
    """By how much the bits of a float grow where it doubles."""
    info = np.finfo(dtype)
    return np.dtype(f"int{info.bits}").type(1) << info.nmant


@_jit.inner
def least_selected(bits, octave, n_selected):
    """A bound that so many entries reach, or more where the last ones are equal; above 0.

    The bits of floats that are not negative, read as an integer, are in the order of the floats. So
    integers can be counted and bisected, which is what a processor is fastest at.
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
    """How many entries reach a bound."""
    count = 0
    for j in range(bits.shape[0]):
        count += bits[j] >= least
    return count
