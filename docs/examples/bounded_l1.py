"""A penalty of your own: coefficients between 0 and a bound, with an l1 cost.

>>> from sparsecode.testing import check_penalty
>>> check_penalty(BoundedL1(alpha=0.5, high=2.0), n_components=12)
>>> from sparsecode import SparseCoder
>>> coder = SparseCoder([[1.0, 0.0], [0.0, 1.0]], penalty=BoundedL1(high=2.0), alpha=0.5)
>>> coder.fit_transform([[2.2, -1.0], [9.0, 0.4]])
array([[1.7, 0. ],
       [2. , 0. ]])
>>> bool(coder.certify([[2.2, -1.0], [9.0, 0.4]]).relative_gap.max() <= 1e-6)
True
"""

from collections import namedtuple

import numpy as np

from sparsecode.penalties import Penalty


class BoundedL1(Penalty, namedtuple("BoundedL1", ["alpha", "high"], defaults=(1.0, 1.0))):
    """``g(z) = alpha * sum_j z_j`` where all ``0 <= z_j <= high``, infinite elsewhere."""

    __slots__ = ()

    convex = True

    def unpenalized(self, n_components):
        # Even at alpha = 0 no coefficient is free: it cannot leave the interval.
        return np.zeros(n_components, dtype=bool)

    def rescaled(self, *, codes, values):
        alpha, high = np.ldexp([self.alpha, self.high], [values - codes, codes])
        return self._replace(alpha=float(alpha), high=float(high))

    @staticmethod
    def _value(penalty, code, j):
        if code < 0 or code > penalty.high:
            return np.inf
        return penalty.alpha * code

    @staticmethod
    def _prox(penalty, value, step, j):
        return min(max(value - penalty.alpha * step, penalty.high * 0), penalty.high)

    @staticmethod
    def _conjugate(penalty, correlation, j):
        # The largest correlation * z - g(z); finite everywhere, so every dual point is feasible.
        return penalty.high * max(correlation - penalty.alpha, penalty.high * 0)
