"""The l1 norm: weighted, signed or non-negative."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from sparsecode._binary_scaling import cast, scaled_parameter
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_flag, check_matrix
from sparsecode._values import as_floats
from sparsecode.penalties.base import Penalty


class _L1(NamedTuple):
    """Fields of `L1`."""

    alpha: float = 1.0
    weights: ArrayLike | None = None
    positive: bool = False


class L1(Penalty, _L1):
    """l1 norm: ``g(z) = alpha * sum_j weights_j * |z_j|``, the penalty of the lasso.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, absolute (no division by the number of samples or features).
    weights : array-like of shape (n_components,) or None, default=None
        Relative weight of each atom, from 0 (free) to infinity (never used). None is all ones.
    positive : bool, default=False
        Whether coefficients must be non-negative.

    References
    ----------
    R. Tibshirani, "Regression shrinkage and selection via the lasso", 1996.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> L1(alpha=0.5).prox([[2.0, -0.3, -1.0]])
    array([[ 1.5,  0. , -0.5]])
    """

    __slots__ = ()

    convex = True

    def alpha_max(self, correlations: ArrayLike) -> float:
        correlations = check_matrix(correlations, "correlations")
        sizes = correlations if self.positive else np.abs(correlations)
        largest = np.maximum(sizes.max(axis=0), 0)
        weights = self._replace(alpha=1.0).thresholds(len(largest))
        used = largest > 0
        with np.errstate(divide="ignore"):
            return float((largest[used] / weights[used]).max(initial=0))

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(alpha=scaled_parameter(self.alpha, values - codes))

    def unpenalized(self, n_components: int) -> np.ndarray:
        return np.asarray(self.thresholds(n_components) == 0)

    def thresholds(self, n_components: int) -> np.ndarray:
        """Weight ``alpha * weights_j`` of each atom, shape (n_components,), float64."""
        if self.weights is None:
            return np.full(n_components, float(self.alpha))
        weights = as_floats(self.weights, "weights of L1")
        if weights.shape != (n_components,):
            raise ValueError(
                wrong(
                    "weights of L1",
                    got=f"an array of shape {weights.shape}",
                    expected=f"shape ({n_components},), one weight for each atom",
                    remedy="Give one weight for each atom of the dictionary, or None.",
                )
            )
        # An atom of infinite weight stays forbidden even at alpha = 0.
        forbidden = np.isinf(weights)
        return np.where(forbidden, np.inf, float(self.alpha) * np.where(forbidden, 0, weights))

    def checked(self) -> Self:
        self = super().checked()
        check_flag(self.positive, "positive")
        if self.weights is not None:
            weights = as_floats(self.weights, "weights of L1")
            if weights.ndim != 1 or np.isnan(weights).any() or (weights < 0).any():
                raise ValueError(
                    wrong(
                        "weights of L1",
                        got=shown(self.weights),
                        expected="a 1-D array of numbers >= 0 (infinity allowed)",
                        remedy="Use 0 for an unpenalised atom and infinity to forbid one.",
                    )
                )
        return self

    def prepare(self, n_components: int, dtype: DTypeLike) -> L1:
        self = self.checked()
        thresholds = cast(self.thresholds(n_components), dtype)
        return L1(np.dtype(dtype).type(1), thresholds, bool(self.positive))

    @staticmethod
    def _value(penalty, code, j):
        if penalty.positive and code < 0:
            return np.inf
        return penalty.weights[j] * abs(code)

    @staticmethod
    def _prox(penalty, value, step, j):
        threshold = penalty.weights[j] * step
        if penalty.positive:
            return value - min(value, threshold)
        return value - min(max(value, -threshold), threshold)

    @staticmethod
    def _grad(penalty, code, j):
        # Not sign(0) * weight: a forbidden atom has an infinite weight.
        return penalty.weights[j] * np.sign(code) if code != 0 else code * 0

    @staticmethod
    def _dual_excess(penalty, correlation, j):
        size = correlation if penalty.positive else abs(correlation)
        if size <= penalty.weights[j]:
            return 0.0
        return size / penalty.weights[j] if penalty.weights[j] > 0 else np.inf

    @staticmethod
    def _conjugate(penalty, correlation, j):
        return 0.0
