"""Kernels that find the largest entries of an array fast, one candidate a lane.

An array of residual correlations is seen as rows of `N_LANES`; a lane is a column of these.
"""

from __future__ import annotations

from sparsecode import _jit
from sparsecode._simd import LANES, lane_maxima

# Also the most candidates found in one pass.
N_LANES = LANES


@_jit.inner
def largest_of_lanes(bits, positive, tops, top_bits):
    """Largest |value| in each column of the residuals, and of all; of the value if `positive`.

    Compares floats by their bits, which vectorises where a maximum of floats does not: without
    the sign bit they are ordered like integers, and negative ones are negative integers. `tops` and
    `top_bits`, the same memory, have one entry more than there are lanes.
    """
    # In a place of its own, to be read as a float.
    top_bits[N_LANES] = lane_maxima(bits, _mask(bits, positive), top_bits)
    return tops[N_LANES]


@_jit.inner
def lanes_above(tops, bar, found):
    """Fill `found`, of `N_LANES` + 1 entries, with the lanes that reach `bar`; count them."""
    count = 0
    for lane in range(tops.shape[0] - 1):
        # No branch: which lanes reach the bar cannot be predicted.
        found[count] = lane
        count += tops[lane] >= bar
    return count


@_jit.inner
def find_in_lane(bits, positive, lane, top_bits):
    """Index of the atom whose value is the top of a lane."""
    mask = _mask(bits, positive)
    stripe = 0
    while stripe + 1 < bits.shape[0] and (bits[stripe, lane] & mask) != top_bits[lane]:
        stripe += 1
    return stripe * bits.shape[1] + lane


@_jit.inner
def _mask(bits, positive):
    if positive:
        return bits.dtype.type(-1)
    return bits.dtype.type(0x7FFFFFFF if bits.itemsize == 4 else 0x7FFFFFFFFFFFFFFF)
