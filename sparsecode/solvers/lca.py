"""Locally competitive algorithm: sparse coding by a dynamical system of neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import halt_flag, is_halted
from sparsecode._validation import check_number
from sparsecode.solvers._kernels.gram_domain import (
    improves,
    objective_of,
    relative_residual,
    residual_correlations,
    stop_measure,
)
from sparsecode.solvers._kernels.rows import copy_row
from sparsecode.solvers.base import Solver

# Time constants without a lower objective after which potentials are held not to settle.
_PATIENCE = 20


@dataclass
class LCA(Solver):
    """Locally competitive algorithm (LCA): neurons that inhibit each other until few are active.

    Seeks ``min_a 1/2 ||x - offset - a @ atoms||^2 + g(a)`` for any separable penalty. Membrane
    potentials `u` follow the differential equation ::

        tau du/dt = s c - u - (s G - I) a        c = (x - offset) @ atoms.T,  G = atoms @ atoms.T

    where the activations ``a = prox(u, s)`` are the codes: soft thresholding for `L1`, hard
    thresholding for `L0`. With the step scale ``s = 1 / max_j ||atoms_j||^2``, which is 1 for unit
    atoms, these are the published equations. At rest ``a = prox(a + s (c - a @ G), s)``: the
    optimum of a convex penalty, else a stationary point. An iteration is one Euler step of length
    `time_step`; it costs one row of the Gram matrix for each active neuron.

    For convex penalties the objective falls at every step, but for the first one from given codes;
    else only where few neurons cross their thresholds in a step. The code returned is the best by
    objective among the start and every fifth step. Neurons that are tied at a threshold that jumps
    may never come to rest: a sample of a penalty that is not convex whose objective has not fallen
    for 20 time constants goes on from the best code with ``s = 1 / L``, where no step can raise it;
    `L` is the largest eigenvalue of `G`.

    Parameters
    ----------
    max_iter : int, default=20000
        Most steps a sample may take.
    tol : float or None, default=None
        A sample stops at this relative duality gap (convex penalties) or scaled stationarity
        residual (others), see `Certificate`; the latter also with ``1 / s`` in the place of `L`.
        None is 1e-6 for codes in float64, 5e-5 in float32. 0 runs `max_iter` steps.
    time_step : float, default=1.0
        Length of an Euler step in units of the time constant `tau` of a neuron, above 0 and at most
        1. Where it is above ``1 / (s L)``, from which on potentials would oscillate, that is used:
        the default is the longest step that is smooth. Near the differential equation, the codes
        of a penalty that is not convex depend less on the step; simulations often take 0.1.

    Notes
    -----
    Potentials start at 0, or, where codes are given to start from, at their drive
    ``codes + s (c - codes @ G)``. If ``time_step <= 2 / (s L)``, one Euler step from `a` to `b`
    lowers a convex objective by at least ``(1 / time_step - s L / 2) / s * ||b - a||^2``.

    References
    ----------
    C. Rozell, D. Johnson, R. Baraniuk and B. Olshausen, "Sparse coding via thresholding and local
    competition in neural circuits", 2008.
    A. Charles, P. Garrigues and C. Rozell, "A common network architecture efficiently implements a
    variety of sparsity-based inference problems", 2012.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import LCA
    >>> LCA().solve([[2.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5)).codes.round(3)
    array([[1.5, 0. ]])
    """

    max_iter: int = 20000
    tol: float | None = None
    time_step: float = 1.0

    needs: ClassVar[str] = "separable"

    def _check_parameters(self):
        super()._check_parameters()
        check_number(self.time_step, "time_step", low=0, low_open=True, high=1)

    def _prepare(self, problem):
        problem.make_shared()

    def _solve_block(self, problem, prepared, block):
        dictionary, real = problem.dictionary, problem.dictionary.dtype.type
        lipschitz = dictionary.lipschitz * _jit.ABOVE_ONE
        # Any scale will do where all atoms are zero.
        inverse_scale = float(dictionary.norms.max()) ** 2 or lipschitz
        _lca_rows(
            problem.task(block.rows),
            problem.prepared,
            problem.stop_rule(self._threshold(dictionary.dtype), self.max_iter),
            _Dynamics(
                real(1 / inverse_scale),
                real(min(self.time_step, inverse_scale / lipschitz)),
                real(0 if problem.codes is None else 1),
                np.inf if problem.penalty.convex else _PATIENCE,
            ),
            block.answer,
            halt_flag(),
        )


class _Dynamics(NamedTuple):
    """Constants of the differential equation and of its Euler steps.

    Potentials start at `first_rate` times their drive. `patience` is the number of time constants
    without a lower objective after which a smaller scale is used.
    """

    scale: float
    rate: float
    first_rate: float
    patience: float


@_jit.kernel
def _lca_rows(task, penalty, rule, dynamics, answer, halt):
    corr, half_squared_norm, gram = task
    codes, n_iter, stop, history, _ = answer
    lipschitz, tol, max_iter = rule.lipschitz, rule.tol, rule.max_iter
    n = codes.shape[1]
    potential = np.empty(n, dtype=corr.dtype)
    code = np.empty(n, dtype=corr.dtype)
    residual_corr = np.empty(n, dtype=corr.dtype)
    support = np.empty(n, dtype=np.int64)
    record = history.shape[2] > 0
    for s in range(codes.shape[0]):
        scale, rate = dynamics.scale, dynamics.rate
        slack = np.finfo(corr.dtype).eps * half_squared_norm[s]
        best = np.inf
        fell_at = 0
        copy_row(codes[s], code)
        residual_correlations(corr[s], code, gram, support, residual_corr)
        potential[:] = 0
        _follow_drive(dynamics.first_rate, scale, code, residual_corr, potential)
        t = 0
        while not is_halted(halt):
            due = t % 5 == 0 or t == max_iter
            if record or due:
                value = objective_of(penalty, corr[s], half_squared_norm[s], code, residual_corr)
                measure = _unrest(
                    penalty, rule, scale, corr[s], half_squared_norm[s], code, residual_corr
                )
                if record:
                    history[s, 0, t] = value
                    history[s, 1, t] = measure
            if due:
                if value < best - slack:
                    fell_at = t
                if improves(value, measure, best, stop[s], slack):
                    best = value
                    stop[s] = measure
                    copy_row(code, codes[s])
                if (stop[s] <= tol and tol > 0) or t == max_iter:
                    break
                if (t - fell_at) * rate > dynamics.patience and scale > 1 / lipschitz:
                    fell_at = t
                    rate *= scale * lipschitz
                    scale = 1 / lipschitz
                    copy_row(codes[s], code)
                    residual_correlations(corr[s], code, gram, support, residual_corr)
                    _follow_drive(1, scale, code, residual_corr, potential)
            _follow_drive(rate, scale, code, residual_corr, potential)
            for j in range(n):
                code[j] = _jit.scalar_prox(penalty, potential[j], scale, j)
            residual_correlations(corr[s], code, gram, support, residual_corr)
            t += 1
        n_iter[s] = t
        if record:
            history[s, 0, t:] = best
            history[s, 1, t:] = stop[s]


@_jit.inner
def _follow_drive(rate, scale, code, residual_corr, potential):
    """Move the potentials towards their drive ``code + scale * (c - code @ G)``."""
    for j in range(code.shape[0]):
        drive = code[j] + scale * residual_corr[j]
        potential[j] += rate * (drive - potential[j])


@_jit.inner_with_arrays
def _unrest(penalty, rule, scale, corr, half_squared_norm, code, residual_corr):
    """The stopping quantity; a residual also at rest with `scale`, which may ask for more."""
    measure = stop_measure(penalty, rule, corr, half_squared_norm, code, residual_corr)
    if rule.by_gap:
        return measure
    return max(measure, relative_residual(penalty, corr, 1 / scale, code, residual_corr))
