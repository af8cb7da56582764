"""Which code to keep where iterations are not monotone."""

from __future__ import annotations

from sparsecode import _jit


@_jit.inner
def improves(value, measure, best_value, best_measure, slack):
    """Whether a code is better than the best so far: lower in objective beyond rounding, `slack`.

    Where objectives differ by rounding alone, the smaller stopping quantity decides.
    """
    if value < best_value - slack:
        return True
    return value <= best_value + slack and measure <= best_measure
