"""The Cauchy prior of Olshausen and Field."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from sparsecode._binary_scaling import scaled_parameter
from sparsecode._validation import check_number
from sparsecode.penalties.base import Penalty

# Of a scale whose square has room above it.
_LARGEST_EXPONENT = 498


class _Cauchy(NamedTuple):
    """Fields of `Cauchy`."""

    alpha: float = 1.0
    sigma: float = 1.0


class Cauchy(Penalty, _Cauchy):
    """Cauchy (Student) prior: ``g(z) = alpha * sum_j log(1 + (z_j / sigma)^2)``; smooth.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, absolute. Olshausen and Field's weight `beta` at noise variance
        `noise_var` is ``alpha = beta * noise_var``.
    sigma : float, default=1.0
        Scale of the coefficients, positive.

    References
    ----------
    B. Olshausen and D. Field, "Emergence of simple-cell receptive field properties by learning a
    sparse code for natural images", 1996.

    Examples
    --------
    >>> from sparsecode.penalties import Cauchy
    >>> Cauchy(alpha=1.0, sigma=1.0).grad([[1.0, 0.0, -1.0]])
    array([[ 1.,  0., -1.]])
    """

    __slots__ = ()

    smooth = True

    def checked(self) -> Self:
        self = super().checked()
        check_number(self.sigma, "sigma", low=0, low_open=True, high=1e150)
        return self

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(
            alpha=scaled_parameter(self.alpha, values),
            sigma=scaled_parameter(self.sigma, codes, most=_LARGEST_EXPONENT),
        )

    @staticmethod
    def _value(penalty, code, j):
        scaled = code / penalty.sigma
        return penalty.alpha * math.log1p(scaled * scaled)

    @staticmethod
    def _grad(penalty, code, j):
        return 2 * penalty.alpha * code / (penalty.sigma * penalty.sigma + code * code)

    @staticmethod
    def _curvature(penalty, code, j):
        s2, z2 = penalty.sigma * penalty.sigma, code * code
        inverse = 1 / (s2 + z2)
        majorizer = 2 * penalty.alpha * inverse
        return majorizer * code, majorizer * (s2 - z2) * inverse, majorizer

    @staticmethod
    def _prox(penalty, value, step, j):
        # Stationary points of (u - v)^2 / 2 + t log(1 + u^2 / s^2), v > 0, are the roots of the
        # cubic u^3 - v u^2 + (s^2 + 2 t) u - v s^2; with three, the middle one is a maximum.
        v, s2 = abs(float(value)), float(penalty.sigma) * float(penalty.sigma)
        t = float(penalty.alpha) * float(step)
        b = s2 + 2 * t
        p = b - v * v / 3
        q = v * (b / 3 - s2 - 2 * v * v / 27)
        discriminant = q * q / 4 + p * p * p / 27
        if discriminant >= 0:
            root = math.sqrt(discriminant)
            plus, minus = root - q / 2, -root - q / 2
            low = v / 3
            low += math.copysign(abs(plus) ** (1 / 3), plus)
            low += math.copysign(abs(minus) ** (1 / 3), minus)
            high = low
        else:
            radius = 2 * math.sqrt(-p / 3)
            angle = math.acos(min(1.0, max(-1.0, 3 * q / (p * radius)))) / 3
            high = v / 3 + radius * math.cos(angle)
            low = v / 3 + radius * math.cos(angle + 2 * math.pi / 3)
        best, best_cost = 0.0, math.inf
        for start in (low, high):
            u = start
            for _ in range(3):
                slope = 3 * u * u - 2 * v * u + b
                if slope > 0:
                    u -= (((u - v) * u + b) * u - v * s2) / slope
            u = min(max(u, 0.0), v)
            cost = (u - v) * (u - v) / 2 + t * math.log1p(u * u / s2)
            if cost < best_cost:
                best, best_cost = u, cost
        return math.copysign(best, float(value))
