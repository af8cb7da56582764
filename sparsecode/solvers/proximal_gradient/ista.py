"""Iterative shrinkage-thresholding: proximal gradient descent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import halt_flag, is_halted
from sparsecode.solvers._kernels.gram_domain import (
    objective_of,
    residual_correlations,
    stop_measure,
)
from sparsecode.solvers.base import Solver


@dataclass
class ISTA(Solver):
    """Proximal gradient descent with the fixed step ``1 / L`` (ISTA).

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)`` for any penalty; where `g` is not
    convex it reaches a stationary point, and the objective never increases. An iteration costs one
    row of the Gram matrix for each nonzero coefficient; the objective converges as ``1 / n_iter``.

    Parameters
    ----------
    max_iter : int, default=10000
        Most iterations a sample may take.
    tol : float or None, default=None
        A sample stops at this relative duality gap (convex penalties) or scaled stationarity
        residual (others); see `Certificate`. None is 1e-6 for codes in float64, 5e-5 in float32.
        0 runs `max_iter` iterations.

    References
    ----------
    I. Daubechies, M. Defrise and C. De Mol, "An iterative thresholding algorithm for linear
    inverse problems with a sparsity constraint", 2004.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import ISTA
    >>> ISTA().solve([[2.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5)).codes
    array([[1.5, 0. ]])
    """

    max_iter: int = 10000
    tol: float | None = None

    def _prepare(self, problem):
        problem.make_shared()

    def _solve_block(self, problem, prepared, block):
        rule = problem.stop_rule(self._threshold(problem.dictionary.dtype), self.max_iter)
        _ista_rows(problem.task(block.rows), problem.prepared, rule, block.answer, halt_flag())


@_jit.kernel
def _ista_rows(task, penalty, rule, answer, halt):
    corr, half_squared_norm, gram = task
    codes, n_iter, stop, history, _ = answer
    n, tol, max_iter = codes.shape[1], rule.tol, rule.max_iter
    step = 1 / rule.lipschitz
    residual_corr = np.empty_like(corr[0])
    support = np.empty(n, dtype=np.int64)
    record = history.shape[2] > 0
    for s in range(codes.shape[0]):
        code = codes[s]
        residual_correlations(corr[s], code, gram, support, residual_corr)
        t = 0
        while not is_halted(halt):
            due = t % 5 == 0 or t == max_iter
            if record or due:
                stop[s] = stop_measure(
                    penalty, rule, corr[s], half_squared_norm[s], code, residual_corr
                )
                if record:
                    history[s, 0, t] = objective_of(
                        penalty, corr[s], half_squared_norm[s], code, residual_corr
                    )
                    history[s, 1, t] = stop[s]
            if due and ((stop[s] <= tol and tol > 0) or t == max_iter):
                break
            for j in range(n):
                code[j] += step * residual_corr[j]
            _jit.row_prox(penalty, code, step, code)
            residual_correlations(corr[s], code, gram, support, residual_corr)
            t += 1
        n_iter[s] = t
        if record:
            history[s, 0, t + 1 :] = history[s, 0, t]
            history[s, 1, t + 1 :] = history[s, 1, t]
