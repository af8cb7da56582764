"""The l0 count."""

from __future__ import annotations

from typing import NamedTuple, Self

from sparsecode._binary_scaling import scaled_parameter
from sparsecode.penalties.base import Penalty


class _L0(NamedTuple):
    """Fields of `L0`."""

    alpha: float = 1.0


class L0(Penalty, _L0):
    """Number of nonzero coefficients: ``g(z) = alpha * ||z||_0``; its prox is hard thresholding.

    Parameters
    ----------
    alpha : float, default=1.0
        Cost of one nonzero coefficient, absolute.

    References
    ----------
    T. Blumensath and M. Davies, "Iterative thresholding for sparse approximations", 2008.

    Examples
    --------
    >>> from sparsecode.penalties import L0
    >>> L0(alpha=0.5).prox([[2.0, -0.9, -1.1]])
    array([[ 2. ,  0. , -1.1]])
    """

    __slots__ = ()

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(alpha=scaled_parameter(self.alpha, values))

    @staticmethod
    def _value(penalty, code, j):
        return penalty.alpha if code != 0 else penalty.alpha * 0

    @staticmethod
    def _prox(penalty, value, step, j):
        return value if value * value > 2 * penalty.alpha * step else step * 0

    @staticmethod
    def _grad(penalty, code, j):
        return code * 0
