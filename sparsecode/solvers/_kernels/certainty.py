"""Kernels that prove a claim of a solver despite rounding.

Residual correlations are wrong by a bound that is known; of all that lie within it the worst are
judged. What holds for these needs no other judge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode import _jit

# Rounding of residual correlations, in units of the machine precision times what they are sums of.
_SLACK = 8
# Of a sum of two numbers.
_DOUBLE = 2.0**-53


class Rounding(NamedTuple):
    """Numbers that bound rounding errors: machine precision, and norm of the longest atom."""

    eps: float
    largest_norm: float

    @classmethod
    def of(cls, dictionary, dtype=None):
        """Rounding of computations, or of codes, in `dtype`; None is that of the dictionary."""
        eps = np.finfo(dictionary.dtype if dtype is None else dtype).eps
        return cls(float(eps), float(dictionary.norms.max()))


class Claim(NamedTuple):
    """A tolerance that a code claims to keep, and the rounding of what it is computed from."""

    tol: float
    rounding: Rounding


@_jit.inner
def correlation_rounding(slack, largest_norm, half_squared_norm, l1):
    """Bound of the errors of residual correlations of a code with the given sum of magnitudes."""
    return slack * largest_norm * (np.sqrt(2 * half_squared_norm) + largest_norm * l1)


@_jit.outlined
def is_certain(penalty, rule, claim, corr, half_squared_norm, code, residual_corr, start_value):
    """Prove that a code keeps its tolerance, and is no worse than 0 or the start, despite rounding.

    Returns whether it could be proven.
    """
    l1, square, inner, taken = 0.0, 0.0, 0.0, 0.0
    for j in range(code.shape[0]):
        z = np.float64(code[j])
        l1 += abs(z)
        square += z * z
        inner += z * residual_corr[j]
        taken += 0.5 * z * (corr[j] + residual_corr[j])
    rounding = claim.rounding
    slack = _SLACK * rounding.eps
    reach = correlation_rounding(slack, rounding.largest_norm, half_squared_norm, l1)
    # Errors of different correlations are independent.
    error = reach * np.sqrt(square)
    cost = _jit.row_value(penalty, code) * (1 + 4 * rounding.eps)
    half_residual = max(half_squared_norm - taken, 0.0) + error
    if not (l1 == 0 or half_residual + cost <= min(half_squared_norm, start_value)):
        return False
    if not rule.by_gap:
        worst = _largest_residual(penalty, rule.lipschitz, reach, corr, code, residual_corr)
        return worst <= claim.tol
    excess = 1.0
    for j in range(code.shape[0]):
        for side in (-reach, reach):
            excess = max(excess, _jit.scalar_dual_excess(penalty, residual_corr[j] + side, j))
    scale = 1 / excess
    fenchel = cost - scale * inner + error
    for j in range(code.shape[0]):
        there = scale * residual_corr[j]
        fenchel += max(
            _jit.scalar_conjugate(penalty, there - scale * reach, j),
            _jit.scalar_conjugate(penalty, there + scale * reach, j),
        )
    return (
        max(fenchel, 0.0) + (1 - scale) * (1 - scale) * half_residual
        <= claim.tol * half_squared_norm
    )


@_jit.outlined
def _largest_residual(penalty, lipschitz, reach, corr, code, residual_corr):
    """Largest scaled stationarity residual of all that correlations within `reach` may have."""
    step = 1 / lipschitz
    worst, largest = 0.0, 0.0
    for j in range(code.shape[0]):
        largest = max(largest, abs(np.float64(corr[j])))
        for side in (-reach, reach):
            point = code[j] + step * (residual_corr[j] + side)
            move = abs(code[j] - _jit.scalar_prox(penalty, point, step, j))
            # The sum with a large code may have lost all of the step.
            worst = max(worst, move + _DOUBLE * abs(point))
    return lipschitz * worst / (largest - reach) if largest > reach else np.inf
