"""The tanh penalty, a count that saturates smoothly."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from sparsecode._binary_scaling import scaled_parameter
from sparsecode._validation import check_number
from sparsecode.penalties.base import Penalty

# Where sech^2, the slope of tanh, turns from concave to convex.
_BEND = math.atanh(1 / math.sqrt(3))
# Newton's method needs about five; near a triple root each gains a third of what is left.
_MAX_NEWTON = 64


class _Tanh(NamedTuple):
    """Fields of `Tanh`."""

    alpha: float = 1.0
    scale: float = 4.0


class Tanh(Penalty, _Tanh):
    """Tanh penalty: ``g(z) = alpha * sum_j tanh(scale * |z_j|)``, a saturating l0 count.

    A coefficient that is large against ``1 / scale`` costs `alpha` and is hardly shrunk; near 0 the
    penalty is l1 of weight ``alpha * scale``, and sets coefficients to exactly 0. The prox takes a
    few steps of Newton's method for a coefficient.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, absolute: the cost of one large coefficient, as for `L0`.
    scale : float, default=4.0
        Inverse size of the coefficients, positive; the larger, the closer to the l0 count. The
        default is the one used with sparse autoencoders.

    References
    ----------
    A. Jermyn, A. Templeton, J. Batson and T. Bricken, "Tanh penalty in dictionary learning", 2024.

    Examples
    --------
    >>> from sparsecode.penalties import Tanh
    >>> Tanh(alpha=0.5, scale=4.0).prox([[0.9, -1.0, 3.0]]).round(4)
    array([[ 0.    , -0.9973,  3.    ]])
    """

    __slots__ = ()

    def checked(self) -> Self:
        self = super().checked()
        check_number(self.scale, "scale", low=0, low_open=True)
        return self

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(
            alpha=scaled_parameter(self.alpha, values),
            scale=scaled_parameter(self.scale, -codes),
        )

    @staticmethod
    def _value(penalty, code, j):
        return penalty.alpha * math.tanh(penalty.scale * abs(code))

    @staticmethod
    def _grad(penalty, code, j):
        # sech^2 by a decaying exponential: 1 - tanh^2 cancels and cosh overflows.
        decay = math.exp(-2 * penalty.scale * abs(code))
        size = 4 * penalty.alpha * penalty.scale * decay / ((1 + decay) * (1 + decay))
        return size if code > 0 else (-size if code < 0 else size * 0)

    @staticmethod
    def _prox(penalty, value, step, j):
        # The derivative h(u) = u - v + t s sech^2(s u) of the objective is concave up to the bend
        # and convex beyond. So Newton's method from 0 rises to the first root of h, or passes the
        # bend, and from v it falls to the last, or passes the bend: no other root is a minimum.
        v, t = abs(float(value)), float(penalty.alpha) * float(step)
        s = float(penalty.scale)
        bend = _BEND / s
        # Where h(0) < 0 the objective falls from 0, and a root of h is below it.
        falls = v > t * s
        # Most values end here: tanh(s u) / u is smallest at v, so nothing costs less than 0.
        if not falls and v * v <= t * math.tanh(s * v):
            return 0.0
        best, best_cost = 0.0, math.inf if falls else 0.0
        for side in (-1.0, 1.0):
            if (side < 0 and not falls) or (side > 0 and v <= bend):
                continue
            u = 0.0 if side < 0 else v
            for _ in range(_MAX_NEWTON):
                decay = math.exp(-2 * s * u)
                pull = 4 * t * s * decay / ((1 + decay) * (1 + decay))
                h = u - v + pull
                slope = 1 - 2 * s * pull * math.tanh(s * u)
                if side * h <= 0 or slope <= 0:
                    break
                last, u = u, u - h / slope
                if side * (u - bend) <= 0:
                    u = bend
                    break
                if abs(u - last) <= 1e-15 * u:
                    break
            u = min(u, v)
            # Relative to the cost of 0.
            cost = u * (u / 2 - v) + t * math.tanh(s * u)
            if cost < best_cost:
                best, best_cost = u, cost
        return math.copysign(best, float(value)) if best > 0 else 0.0
