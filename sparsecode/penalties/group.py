"""The group lasso: atoms are used by whole groups."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from sparsecode import _jit
from sparsecode._binary_scaling import cast, scaled_parameter
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_matrix
from sparsecode._values import as_floats
from sparsecode.penalties.base import Penalty


class _GroupL1(NamedTuple):
    """Fields of `GroupL1`."""

    alpha: float = 1.0
    groups: int | ArrayLike = 2
    weights: ArrayLike | None = None


class GroupL1(Penalty, _GroupL1):
    """Group lasso: ``g(z) = alpha * sum_k weights_k * ||z[group k]||_2``.

    All coefficients of a group are zero, or none is: the penalty of atoms that belong together,
    such as the two phases of a Gabor pair. It is no sum over coefficients, so coordinate-wise
    solvers do not apply.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, absolute (no division by the number of samples or features).
    groups : int or array-like of int of shape (n_components,), default=2
        The group of each atom, numbered from 0 without gaps. A number means consecutive groups of
        so many atoms; the last one may be smaller.
    weights : array-like of shape (n_groups,) or None, default=None
        Relative weight of each group, finite and not negative; 0 leaves it free. None is the square
        root of its number of atoms.

    References
    ----------
    M. Yuan and Y. Lin, "Model selection and estimation in regression with grouped variables", 2006.

    Examples
    --------
    >>> from sparsecode.penalties import GroupL1
    >>> GroupL1(alpha=1.0, groups=2, weights=[1.0, 1.0]).prox([[3.0, 4.0, 0.3, -0.4]])
    array([[2.4, 3.2, 0. , 0. ]])
    """

    __slots__ = ()

    separable = False
    convex = True

    def labels(self, n_components: int) -> np.ndarray:
        """Group of each atom, shape (n_components,)."""
        if np.ndim(self.groups) == 0:
            return np.arange(n_components) // int(self.groups)
        labels = np.asarray(self.groups)
        if labels.shape != (n_components,):
            raise ValueError(
                wrong(
                    "groups of GroupL1",
                    got=f"an array of shape {labels.shape}",
                    expected=f"shape ({n_components},), one group for each atom",
                    remedy="Give the group of each atom of the dictionary, or the size of a group.",
                )
            )
        return labels

    def thresholds(self, n_components: int) -> np.ndarray:
        """Weight ``alpha * weights_k`` of each group, shape (n_groups,), float64."""
        sizes = np.bincount(self.labels(n_components))
        if self.weights is None:
            return float(self.alpha) * np.sqrt(sizes)
        weights = as_floats(self.weights, "weights of GroupL1")
        if weights.shape != sizes.shape:
            raise ValueError(
                wrong(
                    "weights of GroupL1",
                    got=f"an array of shape {weights.shape}",
                    expected=f"shape ({len(sizes)},), one weight for each group",
                    remedy="Give one weight for each group, or None.",
                )
            )
        return float(self.alpha) * weights

    def alpha_max(self, correlations: ArrayLike) -> float:
        correlations = check_matrix(correlations, "correlations")
        prepared = self._replace(alpha=1.0).prepare(correlations.shape[1], np.float64)
        squares = np.add.reduceat(
            correlations[:, prepared.members] ** 2, prepared.starts[:-1], axis=1
        )
        largest = np.sqrt(squares.max(axis=0))
        used = largest > 0
        with np.errstate(divide="ignore"):
            return float((largest[used] / prepared.weights[used]).max(initial=0))

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(alpha=scaled_parameter(self.alpha, values - codes))

    def unpenalized(self, n_components: int) -> np.ndarray:
        return self.thresholds(n_components)[self.labels(n_components)] == 0

    def checked(self) -> Self:
        self = super().checked()
        labels = np.asarray(self.groups)
        if labels.ndim == 0:
            good = labels.dtype.kind in "iu" and labels >= 1
        else:
            good = labels.ndim == 1 and labels.dtype.kind in "iu" and labels.size > 0
            good = good and np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
        if not good:
            raise ValueError(
                wrong(
                    "groups of GroupL1",
                    got=shown(self.groups),
                    expected="a whole number >= 1, or the group of each atom, from 0 without gaps",
                    remedy="Number the groups 0, 1, ...; use np.unique(groups, "
                    "return_inverse=True)[1] for this.",
                )
            )
        if self.weights is not None:
            weights = as_floats(self.weights, "weights of GroupL1")
            if weights.ndim != 1 or not np.isfinite(weights).all() or (weights < 0).any():
                raise ValueError(
                    wrong(
                        "weights of GroupL1",
                        got=shown(self.weights),
                        expected="a 1-D array of finite numbers >= 0",
                        remedy="Use 0 for a free group.",
                    )
                )
        return self

    def prepare(self, n_components: int, dtype: DTypeLike) -> Any:
        self = self.checked()
        labels = self.labels(n_components)
        starts = np.concatenate([[0], np.cumsum(np.bincount(labels))])
        members = np.argsort(labels, kind="stable")
        return _PreparedGroupL1(members, starts, cast(self.thresholds(n_components), dtype))


class _PreparedGroupL1(Penalty, namedtuple("_PreparedGroupL1", ["members", "starts", "weights"])):
    """The form that kernels compile: the atoms sorted by group, where each group starts."""

    __slots__ = ()

    @staticmethod
    def _row_value(penalty, code):
        total = 0.0
        for k in range(penalty.weights.shape[0]):
            total += penalty.weights[k] * _norm_of_group(penalty, k, code)
        return total

    @staticmethod
    def _row_prox(penalty, point, step, out):
        for k in range(penalty.weights.shape[0]):
            norm = _norm_of_group(penalty, k, point)
            threshold = step * penalty.weights[k]
            for i in range(penalty.starts[k], penalty.starts[k + 1]):
                j = penalty.members[i]
                out[j] = (1 - threshold / norm) * point[j] if norm > threshold else 0

    @staticmethod
    def _row_dual_excess(penalty, correlations):
        worst = 0.0
        for k in range(penalty.weights.shape[0]):
            norm = _norm_of_group(penalty, k, correlations)
            if norm > penalty.weights[k]:
                worst = max(worst, norm / penalty.weights[k] if penalty.weights[k] > 0 else np.inf)
        return worst

    @staticmethod
    def _row_conjugate(penalty, scale, correlations):
        return 0.0


@_jit.inner
def _norm_of_group(penalty, k, values):
    total = 0.0
    for i in range(penalty.starts[k], penalty.starts[k + 1]):
        total += values[penalty.members[i]] * values[penalty.members[i]]
    return np.sqrt(total)
