"""The elastic net: l1 norm plus squared l2 norm."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._binary_scaling import scaled_parameter
from sparsecode._validation import check_flag, check_number
from sparsecode.penalties.base import Penalty
from sparsecode.penalties.l1 import L1


class _ElasticNet(NamedTuple):
    """Fields of `ElasticNet`."""

    alpha: float = 1.0
    l1_ratio: float = 0.5
    positive: bool = False


class ElasticNet(Penalty, _ElasticNet):
    """Elastic net: ``g(z) = alpha * (l1_ratio * ||z||_1 + (1 - l1_ratio) / 2 * ||z||^2)``.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, absolute (no division by the number of samples or features).
    l1_ratio : float, default=0.5
        Share of the l1 norm, between 0 (ridge) and 1 (lasso).
    positive : bool, default=False
        Whether coefficients must be non-negative.

    References
    ----------
    H. Zou and T. Hastie, "Regularization and variable selection via the elastic net", 2005.

    Examples
    --------
    >>> from sparsecode.penalties import ElasticNet
    >>> ElasticNet(alpha=2.0, l1_ratio=0.5).prox([[3.0, -0.5]])
    array([[1., 0.]])
    """

    __slots__ = ()

    convex = True

    def checked(self) -> Self:
        self = super().checked()
        check_number(self.l1_ratio, "l1_ratio", low=0, high=1)
        check_flag(self.positive, "positive")
        return self

    def alpha_max(self, correlations: ArrayLike) -> float:
        if self.l1_ratio == 0:
            return super().alpha_max(correlations)
        return L1(positive=self.positive).alpha_max(correlations) / self.l1_ratio

    def rescaled(self, *, codes: int, values: int) -> Self:
        lasso = scaled_parameter(self.alpha * self.l1_ratio, values - codes)
        ridge = scaled_parameter(self.alpha * (1 - self.l1_ratio), values - 2 * codes)
        alpha = lasso + ridge
        return self._replace(alpha=alpha, l1_ratio=lasso / alpha if alpha > 0 else self.l1_ratio)

    def dual_scales(self, codes: np.ndarray, correlations: np.ndarray) -> list[np.ndarray]:
        scales = super().dual_scales(codes, correlations)
        ridge = self.alpha * (1 - self.l1_ratio)
        if ridge > 0 and self.l1_ratio > 0:
            # The scale of the lasso that this is on data augmented by the ridge.
            lasso = L1(self.alpha * self.l1_ratio, positive=bool(self.positive))
            scales.append(1 / np.maximum(lasso.dual_excess(correlations - ridge * codes), 1))
        return scales

    @staticmethod
    def _value(penalty, code, j):
        if penalty.positive and code < 0:
            return np.inf
        ridge = penalty.alpha * (1 - penalty.l1_ratio)
        return penalty.alpha * penalty.l1_ratio * abs(code) + ridge * code * code / 2

    @staticmethod
    def _prox(penalty, value, step, j):
        threshold = penalty.alpha * penalty.l1_ratio * step
        shrink = 1 + penalty.alpha * (1 - penalty.l1_ratio) * step
        if penalty.positive:
            return (value - min(value, threshold)) / shrink
        return (value - min(max(value, -threshold), threshold)) / shrink

    @staticmethod
    def _grad(penalty, code, j):
        ridge = penalty.alpha * (1 - penalty.l1_ratio)
        return penalty.alpha * penalty.l1_ratio * np.sign(code) + ridge * code

    @staticmethod
    def _dual_excess(penalty, correlation, j):
        if penalty.alpha * (1 - penalty.l1_ratio) > 0:
            return 0.0
        size = correlation if penalty.positive else abs(correlation)
        threshold = penalty.alpha * penalty.l1_ratio
        if size <= threshold:
            return 0.0
        return size / threshold if threshold > 0 else np.inf

    @staticmethod
    def _conjugate(penalty, correlation, j):
        ridge = penalty.alpha * (1 - penalty.l1_ratio)
        if ridge == 0:
            return 0.0
        size = correlation if penalty.positive else abs(correlation)
        above = max(size - penalty.alpha * penalty.l1_ratio, 0.0)
        return above * above / (2 * ridge)
