"""The simplex: codes that are shares, not negative and of a fixed sum."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike

from sparsecode._binary_scaling import cast, scaled_parameter
from sparsecode._messages import shown
from sparsecode._plain import plain
from sparsecode._validation import check_number
from sparsecode.penalties.base import Penalty

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

# Share of the radius by which the sum of a code may miss it: codes in float32 are rounded.
_SLACK = 1e-6


class _Simplex(NamedTuple):
    """Fields of `Simplex`."""

    radius: float = 1.0


class Simplex(Penalty, _Simplex):
    """Simplex constraint: coefficients are not negative, and their sum is `radius`.

    ``g(z)`` is 0 where ``z >= 0`` and ``sum(z) = radius``, and infinite elsewhere; its prox is the
    Euclidean projection. Reconstructions are then convex combinations of the atoms, and codes the
    shares of a mixture. They are sparse of themselves: a sample outside the convex hull of the
    atoms is projected on a face of it. There is no weight `alpha`.

    The duality gap is that of Frank and Wolfe, ``radius * max_j c_j - sum_j z_j c_j`` with the
    correlations ``c = (x - offset - z @ atoms) @ atoms.T``. Moving all atoms and samples by the
    same vector changes neither codes nor gap, so the unit of the relative gap is the half squared
    distance of a sample from the reconstruction by equal shares, which moves too.

    Parameters
    ----------
    radius : float, default=1.0
        Sum of the coefficients of a code, above 0.

    References
    ----------
    M. Frank and P. Wolfe, "An algorithm for quadratic programming", 1956.
    J. Duchi, S. Shalev-Shwartz, Y. Singer and T. Chandra, "Efficient projections onto the l1-ball
    for learning in high dimensions", 2008.

    Examples
    --------
    >>> from sparsecode.penalties import Simplex
    >>> Simplex().prox([[0.9, 0.5, -2.0]])
    array([[0.7, 0.3, 0. ]])
    """

    __slots__ = ()

    weighted = False
    separable = False
    convex = True
    positive = True

    def scaled(self, factor: float) -> Self:
        if factor != 1:
            raise ValueError(
                f"Simplex is a constraint without a weight, but alpha is {shown(factor)}; "
                "expected alpha=1. Change radius instead."
            )
        return self

    def rescaled(self, *, codes: int, values: int) -> Self:
        return self._replace(radius=scaled_parameter(self.radius, codes))

    def unpenalized(self, n_components: int) -> np.ndarray:
        return np.zeros(n_components, dtype=bool)

    def origin(self, n_components: int) -> float:
        return self.radius / n_components

    def centred(self, dictionary: Dictionary) -> Dictionary:
        return dictionary._kept("_centred", self, lambda: self._centred(dictionary))

    def _centred(self, dictionary):
        atoms = dictionary.atoms.astype(np.float64)
        mean = atoms.mean(axis=0)
        offset = self.radius * mean
        if dictionary.offset is not None:
            offset = offset + dictionary.offset
        return type(dictionary)((atoms - mean).astype(dictionary.dtype), offset)

    def checked(self) -> Self:
        check_number(self.radius, "radius of Simplex", low=0, low_open=True)
        return self._make(plain(field) for field in self)

    def prepare(self, n_components: int, dtype: DTypeLike) -> Any:
        self = self.checked()
        # What rounding leaves of a sum, once in this precision and for every term in float64.
        rounding = np.finfo(dtype).eps + 4 * n_components * np.finfo(np.float64).eps
        radius = cast(self.radius, dtype)
        return _PreparedSimplex(radius, float(rounding * radius), float(_SLACK * radius))


class _PreparedSimplex(Penalty, namedtuple("_PreparedSimplex", ["radius", "rounding", "slack"])):
    """The form that kernels compile."""

    __slots__ = ()

    @staticmethod
    def _row_value(penalty, code):
        total = 0.0
        lowest = 0.0
        for j in range(code.shape[0]):
            total += code[j]
            lowest = min(lowest, code[j])
        return 0.0 if lowest >= 0 and abs(total - penalty.radius) <= penalty.slack else np.inf

    @staticmethod
    def _row_prox(penalty, point, step, out):
        n = point.shape[0]
        top, lowest, total = point[0], point[0], 0.0
        for j in range(n):
            top, lowest = max(top, point[j]), min(lowest, point[j])
            total += point[j]
        if lowest >= 0 and abs(total - penalty.radius) <= penalty.rounding:
            for j in range(n):
                out[j] = point[j]
            return
        # From here on entries count from the largest: their rounding is in units of the radius.
        for j in range(n):
            out[j] = point[j] - top
        # Newton's method for the threshold, from below, where it ends at the root.
        radius = np.float64(penalty.radius)
        threshold, last = -radius, 0
        for _ in range(n + 1):
            excess, count = -radius, 0
            for j in range(n):
                above = out[j] - threshold
                if above > 0:
                    excess += above
                    count += 1
            if count == last or count == 0:
                break
            threshold += excess / count
            last = count
        for j in range(n):
            out[j] = max(out[j] - threshold, 0.0)

    @staticmethod
    def _row_dual_excess(penalty, correlations):
        return 0.0

    @staticmethod
    def _row_conjugate(penalty, scale, correlations):
        largest = correlations[0]
        for j in range(correlations.shape[0]):
            largest = max(largest, correlations[j])
        return scale * penalty.radius * largest
