"""Functions of a whole sample for penalties that are sums over coefficients."""

from __future__ import annotations

from sparsecode import _jit


class RowSums:
    """Base of `Penalty`: its functions of a sample, made of those of one coefficient."""

    __slots__ = ()

    @staticmethod
    def _row_value(penalty, code):
        total = 0.0
        for j in range(code.shape[0]):
            if code[j] != 0:
                total += _jit.scalar_value(penalty, code[j], j)
        return total

    @staticmethod
    def _row_prox(penalty, point, step, out):
        for j in range(point.shape[0]):
            out[j] = _jit.scalar_prox(penalty, point[j], step, j)

    @staticmethod
    def _row_dual_excess(penalty, correlations):
        worst = 0.0
        for j in range(correlations.shape[0]):
            worst = max(worst, _jit.scalar_dual_excess(penalty, correlations[j], j))
        return worst

    @staticmethod
    def _row_conjugate(penalty, scale, correlations):
        total = 0.0
        for j in range(correlations.shape[0]):
            total += _jit.scalar_conjugate(penalty, scale * correlations[j], j)
        return total
