"""The minimax concave penalty."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from sparsecode._binary_scaling import scaled_parameter
from sparsecode._validation import check_number
from sparsecode.penalties.base import Penalty


class _MCP(NamedTuple):
    """Fields of `MCP`."""

    alpha: float = 1.0
    knot: float = 3.0


class MCP(Penalty, _MCP):
    """Minimax concave penalty (MCP): l1 near 0, constant for large coefficients.

    ``g(z) = alpha * sum_j phi(|z_j|)`` with ``phi(t) = t - t^2 / (2 * knot)`` up to the knot and
    ``phi(t) = knot / 2`` beyond: the slope falls linearly from `alpha` at 0 to 0 at the knot, so
    small coefficients are shrunk as by l1 and those beyond the knot not at all. Value, derivative
    and prox of a coefficient are closed forms.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, absolute: its slope at 0, as for `L1`.
    knot : float, default=3.0
        Size, in the units of a coefficient, from which on `g` is constant; positive. The larger,
        the closer to l1.

    Notes
    -----
    Zhang's penalty of parameters ``(lambda, gamma)`` is ``MCP(alpha=lambda, knot=gamma * lambda)``.
    The knot is a parameter of its own so that `alpha` is nothing but a factor of `g`; at a fixed
    knot, ``gamma = knot / alpha`` falls as the weight grows.

    The prox is the firm threshold where ``step * alpha < knot``. Otherwise what it minimises is
    concave up to the knot, and it is the hard threshold at ``sqrt(step * alpha * knot)``.

    References
    ----------
    C.-H. Zhang, "Nearly unbiased variable selection under minimax concave penalty", 2010.
    H.-Y. Gao and A. Bruce, "WaveShrink with firm shrinkage", 1997.

    Examples
    --------
    >>> from sparsecode.penalties import MCP
    >>> MCP(alpha=1.0, knot=3.0).prox([[0.5, -2.0, 4.0]])
    array([[ 0. , -1.5,  4. ]])
    """

    __slots__ = ()

    def checked(self) -> Self:
        self = super().checked()
        check_number(self.knot, "knot", low=0, low_open=True)
        return self

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(
            alpha=scaled_parameter(self.alpha, values - codes),
            knot=scaled_parameter(self.knot, codes),
        )

    @staticmethod
    def _value(penalty, code, j):
        size = min(abs(code), penalty.knot)
        return penalty.alpha * size * (1 - size / penalty.knot / 2)

    @staticmethod
    def _grad(penalty, code, j):
        size = penalty.alpha * (1 - min(abs(code) / penalty.knot, 1))
        return size if code > 0 else (-size if code < 0 else size * 0)

    @staticmethod
    def _prox(penalty, value, step, j):
        v, t = abs(float(value)), float(penalty.alpha) * float(step)
        knot = float(penalty.knot)
        if t < knot:
            if v <= t:
                return 0.0
            if v < knot:
                # The quotient of the two differences, not 1 - t / knot, which cancels.
                v = min((v - t) / ((knot - t) / knot), v)
            return math.copysign(v, float(value))
        # The minimum is at an end of the concave piece: 0, or v where g is constant.
        return float(value) if v > math.sqrt(t) * math.sqrt(knot) else 0.0
