"""Accelerated proximal gradient descent with restart and backtracking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import halt_flag, is_halted
from sparsecode._validation import check_flag
from sparsecode.solvers._kernels.gram_domain import (
    objective_of,
    residual_correlations,
    stop_measure,
)
from sparsecode.solvers._kernels.rows import copy_row
from sparsecode.solvers.base import Solver

# Steps tried in an iteration; the last one is the safe one.
_MOST_TRIALS = 50


@dataclass
class FISTA(Solver):
    """Accelerated proximal gradient descent (FISTA), monotone and restarted.

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)``. Every sample runs to its own tolerance
    and stops costing once it has reached it. An iteration costs one row of the Gram matrix for each
    nonzero coefficient; the objective converges as ``1 / n_iter^2``, and linearly once restarts
    adapt to the local curvature.

    Parameters
    ----------
    max_iter : int, default=5000
        Most iterations a sample may take.
    tol : float or None, default=None
        A sample stops at this relative duality gap (convex penalties) or scaled stationarity
        residual (others); see `Certificate`. None is 1e-6 for codes in float64, 5e-5 in float32.
        0 runs `max_iter` iterations.
    restart : bool, default=True
        Whether momentum starts anew when it points uphill, and a step that would increase the
        objective is taken back. Needed for penalties that are not convex.
    backtracking : bool, default=True
        Whether the step is found for each sample by backtracking from the largest atom's norm,
        instead of the safe ``1 / L`` of the whole dictionary. Sparse codes only meet a few atoms,
        so the step is longer.

    References
    ----------
    A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse
    problems", 2009.
    B. O'Donoghue and E. Candès, "Adaptive restart for accelerated gradient schemes", 2015.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import FISTA
    >>> FISTA().solve([[2.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5)).codes
    array([[1.5, 0. ]])
    """

    max_iter: int = 5000
    tol: float | None = None
    restart: bool = True
    backtracking: bool = True

    def _check_parameters(self):
        super()._check_parameters()
        for name in ("restart", "backtracking"):
            check_flag(getattr(self, name), name)

    @property
    def needs(self) -> str:
        """Kind of penalty that the solver takes; momentum without restart needs a convex one."""
        return "weighted" if self.restart else "convex without restart"

    def _prepare(self, problem):
        problem.make_shared()

    def _solve_block(self, problem, prepared, block):
        dtype = problem.dictionary.dtype
        rule = problem.stop_rule(self._threshold(dtype), self.max_iter)
        largest = problem.dictionary.norms.max() ** 2
        _fista_rows(
            problem.task(block.rows),
            problem.prepared,
            rule,
            dtype.type(largest) if self.backtracking and largest > 0 else rule.lipschitz,
            self.restart,
            block.answer,
            halt_flag(),
        )


@_jit.kernel
def _fista_rows(task, penalty, rule, first_lipschitz, restart, answer, halt):
    corr, half_squared_norm, gram = task
    codes, n_iter, stop, history, _ = answer
    lipschitz, tol, max_iter = rule.lipschitz, rule.tol, rule.max_iter
    n = codes.shape[1]
    support = np.empty(n, dtype=np.int64)
    work = np.empty((6, n), dtype=corr.dtype)
    record = history.shape[2] > 0
    slack = np.finfo(corr.dtype).eps
    for s in range(codes.shape[0]):
        code, residual, last_code = work[0], work[1], work[2]
        last_residual, next_code, next_residual = work[3], work[4], work[5]
        copy_row(codes[s], code)
        residual_correlations(corr[s], code, gram, support, residual)
        copy_row(code, last_code)
        copy_row(residual, last_residual)
        value = objective_of(penalty, corr[s], half_squared_norm[s], code, residual)
        bound = first_lipschitz
        momentum = bound * 0
        age = 1.0
        t = 0
        while not is_halted(halt):
            due = t % 5 == 0 or t == max_iter
            if record or due:
                stop[s] = stop_measure(penalty, rule, corr[s], half_squared_norm[s], code, residual)
                if record:
                    history[s, 0, t] = value
                    history[s, 1, t] = stop[s]
            if due and ((stop[s] <= tol and tol > 0) or t == max_iter):
                break
            for trial in range(_MOST_TRIALS):
                _proximal_step(
                    penalty,
                    1 / bound,
                    momentum,
                    code,
                    residual,
                    last_code,
                    last_residual,
                    next_code,
                )
                residual_correlations(corr[s], next_code, gram, support, next_residual)
                if bound >= lipschitz:
                    break
                steepest = _curvature_along_step(
                    momentum, code, residual, last_code, last_residual, next_code, next_residual
                )
                if not steepest > bound * (1 + 4 * slack):
                    break
                grown = min(max(steepest, 1.5 * bound), lipschitz)
                bound = grown if trial < _MOST_TRIALS - 2 else lipschitz
            t += 1
            next_value = objective_of(
                penalty, corr[s], half_squared_norm[s], next_code, next_residual
            )
            if restart and momentum > 0 and next_value > value + slack * half_squared_norm[s]:
                # Take the step back: from here, without momentum, it cannot go up.
                momentum, age = bound * 0, 1.0
                continue
            if restart and _points_uphill(momentum, code, last_code, next_code):
                age = 1.0
            next_age = (1 + np.sqrt(1 + 4 * age * age)) / 2
            momentum = bound * 0 + (age - 1) / next_age
            age = next_age
            value = next_value
            spare_code, spare_residual = last_code, last_residual
            last_code, last_residual = code, residual
            code, residual = next_code, next_residual
            next_code, next_residual = spare_code, spare_residual
        n_iter[s] = t
        copy_row(code, codes[s])
        if record:
            history[s, 0, t + 1 :] = history[s, 0, t]
            history[s, 1, t + 1 :] = history[s, 1, t]


@_jit.inner
def _proximal_step(penalty, step, momentum, code, residual, last_code, last_residual, out):
    """Proximal gradient step from the extrapolated point."""
    for j in range(code.shape[0]):
        point = code[j] + momentum * (code[j] - last_code[j])
        slope = residual[j] + momentum * (residual[j] - last_residual[j])
        out[j] = point + step * slope
    _jit.row_prox(penalty, out, step, out)


@_jit.inner
def _curvature_along_step(
    momentum, code, residual, last_code, last_residual, next_code, next_residual
):
    """Curvature ``d G d / d d`` of the quadratic along the step just taken."""
    curvature = 0.0
    length = 0.0
    for j in range(code.shape[0]):
        d = next_code[j] - code[j] - momentum * (code[j] - last_code[j])
        slope = residual[j] + momentum * (residual[j] - last_residual[j])
        curvature += d * (slope - next_residual[j])
        length += d * d
    return curvature / length if length > 0 else 0.0


@_jit.inner
def _points_uphill(momentum, code, last_code, next_code):
    """Return whether the momentum opposes the last step (gradient scheme of adaptive restart)."""
    total = 0.0
    for j in range(code.shape[0]):
        point = code[j] + momentum * (code[j] - last_code[j])
        total += (point - next_code[j]) * (next_code[j] - code[j])
    return total > 0
