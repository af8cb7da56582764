"""The smoothly clipped absolute deviation."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from sparsecode._binary_scaling import scaled_parameter
from sparsecode._validation import check_number
from sparsecode.penalties.base import Penalty


class _SCAD(NamedTuple):
    """Fields of `SCAD`."""

    alpha: float = 1.0
    knot: float = 3.7
    a: float = 3.7


class SCAD(Penalty, _SCAD):
    """Smoothly clipped absolute deviation (SCAD): exactly l1 near 0, constant for large codes.

    ``g(z) = alpha * sum_j phi(|z_j|)``. The slope of `phi` is 1 up to ``knot / a``, falls linearly
    to 0 at `knot`, and is 0 beyond, where ``phi = (knot / a + knot) / 2``: small coefficients are
    shrunk exactly as by l1 and those beyond the knot not at all. Value, derivative and prox of a
    coefficient are closed forms.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, absolute: its slope near 0, as for `L1`.
    knot : float, default=3.7
        Size, in the units of a coefficient, from which on `g` is constant; positive. The larger,
        the closer to l1.
    a : float, default=3.7
        Quotient of the knots, above 1: `g` is l1 up to ``knot / a``. Close to 1 it is l1 cut off
        at the knot; the larger, the closer to `MCP` with the same knot.

    Notes
    -----
    Fan and Li's penalty of parameters ``(lambda, a)`` is ``SCAD(alpha=lambda, knot=a * lambda,
    a=a)``; they suggest ``a = 3.7``. The knot is a parameter of its own so that `alpha` is nothing
    but a factor of `g`.

    The prox is continuous where ``step * alpha < knot - knot / a``, which is Fan and Li's
    ``a > 2`` at a step of 1. Otherwise what it minimises is concave between the knots, and the
    prox jumps over them: below a threshold it is that of l1, above it the coefficient is kept.

    References
    ----------
    J. Fan and R. Li, "Variable selection via nonconcave penalized likelihood and its oracle
    properties", 2001.

    Examples
    --------
    >>> from sparsecode.penalties import SCAD
    >>> SCAD(alpha=1.0, knot=4.0, a=4.0).prox([[0.5, -1.5, 3.0, 5.0]])
    array([[ 0. , -0.5,  2.5,  5. ]])
    """

    __slots__ = ()

    def checked(self) -> Self:
        self = super().checked()
        check_number(self.knot, "knot", low=0, low_open=True)
        check_number(self.a, "a", low=1, low_open=True)
        return self

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(
            alpha=scaled_parameter(self.alpha, values - codes),
            knot=scaled_parameter(self.knot, codes),
        )

    @staticmethod
    def _value(penalty, code, j):
        low, size = penalty.knot / penalty.a, abs(code)
        if size >= penalty.knot:
            return penalty.alpha * (low + penalty.knot) / 2
        if size <= low:
            return penalty.alpha * size
        over = size - low
        return penalty.alpha * (size - over * over / (penalty.knot - low) / 2)

    @staticmethod
    def _grad(penalty, code, j):
        low, size = penalty.knot / penalty.a, abs(code)
        slope = penalty.alpha
        if size >= penalty.knot:
            slope = slope * 0
        elif size > low:
            slope = slope * ((penalty.knot - size) / (penalty.knot - low))
        return slope if code > 0 else (-slope if code < 0 else slope * 0)

    @staticmethod
    def _prox(penalty, value, step, j):
        v, t = abs(float(value)), float(penalty.alpha) * float(step)
        knot = float(penalty.knot)
        low = knot / float(penalty.a)
        width, total = knot - low, low + knot
        if t < width:
            if v >= knot:
                u = v
            elif v > low + t:
                # Differences from the knot, where the prox is the identity, do not cancel.
                u = knot - (knot - v) / ((width - t) / width)
            else:
                u = max(v - t, 0.0)
        else:
            # Between the knots the objective is concave: it is best below, at the soft threshold
            # or at 0, or above, at v. Where both cost the same:
            kept_from = (total + t) / 2 if t <= total else math.sqrt(t) * math.sqrt(total)
            u = v if v > kept_from else max(v - t, 0.0)
        return math.copysign(u, float(value)) if u > 0 else 0.0
