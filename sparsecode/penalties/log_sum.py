"""The log-sum penalty."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from sparsecode._binary_scaling import scaled_parameter
from sparsecode._validation import check_number
from sparsecode.penalties.base import Penalty


class _LogSum(NamedTuple):
    """Fields of `LogSum`."""

    alpha: float = 1.0
    epsilon: float = 1.0


class LogSum(Penalty, _LogSum):
    """Log-sum penalty: ``g(z) = alpha * sum_j log(1 + |z_j| / epsilon)``.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, absolute.
    epsilon : float, default=1.0
        Scale of the coefficients, positive; the smaller, the closer to the l0 count.

    References
    ----------
    E. Candès, M. Wakin and S. Boyd, "Enhancing sparsity by reweighted l1 minimization", 2008.

    Examples
    --------
    >>> from sparsecode.penalties import LogSum
    >>> LogSum(alpha=1.0, epsilon=1.0).prox([[0.5, 3.0]]).round(4)
    array([[0.    , 2.7321]])
    """

    __slots__ = ()

    def checked(self) -> Self:
        self = super().checked()
        check_number(self.epsilon, "epsilon", low=0, low_open=True)
        return self

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(
            alpha=scaled_parameter(self.alpha, values),
            epsilon=scaled_parameter(self.epsilon, codes),
        )

    @staticmethod
    def _value(penalty, code, j):
        return penalty.alpha * math.log1p(abs(code) / penalty.epsilon)

    @staticmethod
    def _grad(penalty, code, j):
        size = penalty.alpha / (penalty.epsilon + abs(code))
        return size if code > 0 else (-size if code < 0 else size * 0)

    @staticmethod
    def _prox(penalty, value, step, j):
        # Away from 0 the stationary points solve a quadratic; its larger root is the minimum.
        # Nothing cancels where the root is small against epsilon.
        v, t = abs(float(value)), float(penalty.alpha) * float(step)
        epsilon = float(penalty.epsilon)
        rise = (v - t / epsilon) * epsilon
        if rise > 0:
            # The objective falls from 0 to its only stationary point.
            root = math.sqrt((v - epsilon) * (v - epsilon) + 4 * rise)
            u = (v - epsilon + root) / 2 if v > epsilon else 2 * rise / (root + epsilon - v)
            return math.copysign(u, float(value))
        low = v + epsilon - 2 * math.sqrt(t)
        if low < 0 or v <= epsilon:
            return 0.0
        u = (v - epsilon + math.sqrt(low * (v + epsilon + 2 * math.sqrt(t)))) / 2
        # Relative to the cost of 0.
        cost = u * (u / 2 - v) + t * math.log1p(u / epsilon)
        return math.copysign(u, float(value)) if cost < 0 else 0.0
