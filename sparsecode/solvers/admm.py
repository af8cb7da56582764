"""Alternating direction method of multipliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._binary_scaling import scaled
from sparsecode._interrupts import halt_flag, halt_if_told, is_halted
from sparsecode._row_products import panels_to_keep, row_product
from sparsecode._validation import check_number
from sparsecode.solvers._kernels.gram_domain import (
    improves,
    objective_of,
    residual_correlations,
    stop_measure,
)
from sparsecode.solvers._kernels.rows import copy_row
from sparsecode.solvers.base import Solver

# Iterations from one look at the stopping quantity, and at rho, to the next.
_PERIOD = 5
# With a fixed rho convergence is proved, so that in the end it must be left alone.
_LAST_CHANGE = 500
# Ratio of the residuals from which rho changes, and by what factor (Boyd et al., section 3.4.1).
_IMBALANCE = 5.0
_FACTOR = 2.0
# Most that rho changes by either way: with a smaller one, rounding moves free atoms that depend on
# each other ever further.
_RANGE = 1e6


@dataclass
class ADMM(Solver):
    """Alternating direction method of multipliers (ADMM).

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(v)`` subject to ``z = v`` for every convex
    penalty. With the residual correlations `y` as multipliers, an iteration is::

        z = v + (c - v @ G - y) @ inv(G + rho * I)      c = (x - offset) @ atoms.T
        w = relaxation * z + (1 - relaxation) * v + y / rho
        v = prox(w, 1 / rho)                            G = atoms @ atoms.T
        y = rho * (w - v)

    The dictionary is factored once for all samples, in a form that serves every `rho`; an iteration
    is then two products, ``4 n_components min(n_components, n_features)`` operations a sample, and
    one row of the Gram matrix for each nonzero coefficient. Few iterations give modest accuracy;
    from there on convergence is linear. The code returned is the best `v` by objective among the
    start and every fifth iteration: it is exactly sparse, and never worse than the start.

    Parameters
    ----------
    max_iter : int, default=10000
        Most iterations a sample may take.
    tol : float or None, default=None
        A sample stops at this relative duality gap; see `Certificate`. None is 1e-6 for codes
        in float64, 5e-5 in float32. 0 runs `max_iter` iterations.
    rho : float or None, default=None
        Weight of the constraint, positive, in the units of a squared norm of an atom. None starts
        at the mean squared norm, and doubles or halves it for each sample when the relative primal
        and dual residuals are a factor of 5 apart, in the first 500 iterations.
    relaxation : float, default=1.6
        Over-relaxation, above 0 and at most 1.9 (it converges below 2); 1 is none.

    Raises
    ------
    TypeError
        By `solve`, if the penalty is not convex.

    References
    ----------
    S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, "Distributed optimization and
    statistical learning via the alternating direction method of multipliers", 2010.
    B. Wohlberg, "ADMM penalty parameter selection by residual balancing", 2017.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import ADMM
    >>> ADMM().solve([[2.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5)).codes.round(3)
    array([[1.5, 0. ]])
    """

    max_iter: int = 10000
    tol: float | None = None
    rho: float | None = None
    relaxation: float = 1.6

    needs: ClassVar[str] = "convex"

    def _check_parameters(self):
        super()._check_parameters()
        if self.rho is not None:
            check_number(self.rho, "rho", low=0, low_open=True)
        check_number(self.relaxation, "relaxation", low=0, low_open=True, high=1.9)

    def _prepare(self, problem):
        problem = problem.well_posed()
        problem.make_shared()
        return _Factors.of(problem.dictionary)

    def _first_rho(self, problem, factors):
        return factors.rho if self.rho is None else scaled(self.rho, 2 * problem.atom_exponent)

    def _solve_block(self, problem, factors, block):
        problem = problem.well_posed()
        task, real = problem.task(block.rows), problem.dictionary.dtype.type
        corr, penalty, n_rows = task.corr, problem.prepared, len(task.corr)
        rule = problem.stop_rule(self._threshold(corr.dtype), self.max_iter)
        record, halt = block.history.shape[2] > 0, halt_flag()
        # The samples still at work, and their iterates; the multipliers of a solution are its
        # residual correlations, so that it is a fixed point.
        rows = np.arange(n_rows)
        codes = block.codes.astype(corr.dtype)
        best = _Best(codes.copy(), np.full(n_rows, np.inf), block.stop)
        residual_corr = corr - problem.times_gram(codes)
        duals = residual_corr.copy()
        rho = np.full(n_rows, self._first_rho(problem, factors), dtype=corr.dtype)
        balance = np.ones(n_rows)
        for t in range(self.max_iter + 1):
            halt_if_told()
            due = t % _PERIOD == 0 or t == self.max_iter
            if due or record:
                iterate = _Iterate(rows, codes, duals, residual_corr)
                _judge_rows(task, penalty, rule, iterate, due, t, best, block.history, halt)
            if due:
                block.n_iter[rows] = t
                at_work = (block.stop[rows] > rule.tol) | (self.tol == 0)
                if t == self.max_iter or not at_work.any():
                    break
                if not at_work.all():
                    rows, codes, duals = rows[at_work], codes[at_work], duals[at_work]
                    residual_corr = residual_corr[at_work]
                    rho, balance = rho[at_work], balance[at_work]
                if self.rho is None and t <= _LAST_CHANGE:
                    rho[balance > _IMBALANCE] *= real(_FACTOR)
                    rho[balance < 1 / _IMBALANCE] /= real(_FACTOR)
                    np.clip(rho, factors.rho / _RANGE, factors.rho * _RANGE, out=rho)
            # The step to z, not z itself: it tends to 0, and its rounding errors with it.
            steps = factors.solve(residual_corr - duals, rho)
            halt_if_told()
            iterate = _Iterate(rows, codes, duals, residual_corr)
            relaxation = real(self.relaxation)
            _update_rows(task, penalty, relaxation, rho, steps, iterate, balance, halt)
        block.codes[:] = best.codes
        if record:
            _end_history(block, best.values)


class _Factors(NamedTuple):
    """A dictionary in the coordinates of its principal directions, ready to solve for any rho."""

    as_rows: Any
    as_columns: Any
    squares: np.ndarray
    rho: float

    @classmethod
    def of(cls, dictionary):
        atoms = dictionary.atoms.astype(np.float64)
        # Not by an SVD, which takes ten times as long, and which an interrupt does not end.
        if dictionary.n_components > dictionary.n_features:
            rotated = atoms @ np.linalg.eigh(atoms.T @ atoms)[1]
        else:
            squares, directions = np.linalg.eigh(atoms @ atoms.T)
            rotated = directions * np.sqrt(np.maximum(squares, 0))
        squares = np.einsum("ij,ij->j", rotated, rotated).astype(dictionary.dtype)
        # Any rho will do where all atoms are zero.
        mean = np.mean(dictionary.norms.astype(np.float64) ** 2)
        rotated = rotated.astype(dictionary.dtype)
        factors = panels_to_keep(rotated), panels_to_keep(rotated.T)
        return cls(*factors, squares, mean if mean > 0 else 1.0)

    def solve(self, right, rho):
        """``right @ inv(G + rho * I)``, a rho for each row, by the matrix inversion lemma."""
        rho = rho[:, None]
        inner = row_product(right, self.as_rows) / (self.squares + rho)
        return (right - row_product(inner, self.as_columns)) / rho


class _Iterate(NamedTuple):
    """Samples at work, by their row in the block, with codes, multipliers and correlations."""

    rows: np.ndarray
    codes: np.ndarray
    duals: np.ndarray
    residual_corr: np.ndarray


class _Best(NamedTuple):
    """The best codes so far of all samples of a block, their objectives and stopping quantities."""

    codes: np.ndarray
    values: np.ndarray
    stop: np.ndarray


def _end_history(block, values):
    """Let every sample keep its last record, of the code returned."""
    for s, t in enumerate(block.n_iter):
        block.history[s, 0, t:] = values[s]
        block.history[s, 1, t:] = block.stop[s]


@_jit.kernel
def _judge_rows(task, penalty, rule, iterate, due, t, best, history, halt):
    """Record the codes at work and, if `due`, keep those that are better than the best."""
    corr, half_squared_norm = task.corr, task.half_squared_norm
    rows, codes, residual_corr = iterate.rows, iterate.codes, iterate.residual_corr
    eps = np.finfo(corr.dtype).eps
    for i in range(rows.shape[0]):
        if is_halted(halt):
            return
        s, code, residual = rows[i], codes[i], residual_corr[i]
        half_norm = half_squared_norm[s]
        measure = stop_measure(penalty, rule, corr[s], half_norm, code, residual)
        value = objective_of(penalty, corr[s], half_norm, code, residual)
        if history.shape[2] > 0:
            history[s, 0, t] = value
            history[s, 1, t] = measure
        if due and improves(value, measure, best.values[s], best.stop[s], eps * half_norm):
            copy_row(code, best.codes[s])
            best.values[s] = value
            best.stop[s] = measure


@_jit.kernel
def _update_rows(task, penalty, relaxation, rho, steps, iterate, balance, halt):
    """Update codes, multipliers and residual correlations after steps from `codes` to `z`.

    Fills `balance` with the ratio of the relative primal to the relative dual residual, which does
    not depend on the units; it is 1 where it says nothing.
    """
    rows, codes, duals, residual_corr = iterate
    corr, gram = task.corr, task.gram
    n = codes.shape[1]
    point = np.empty_like(codes[0])
    moved = np.empty_like(codes[0])
    support = np.empty(n, dtype=np.int64)
    for i in range(codes.shape[0]):
        if is_halted(halt):
            return
        code, dual, step = codes[i], duals[i], 1 / rho[i]
        for j in range(n):
            point[j] = code[j] + relaxation * steps[i, j] + step * dual[j]
        _jit.row_prox(penalty, point, step, moved)
        primal, change, z_size, v_size, y_size = 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(n):
            v, z = moved[j], code[j] + steps[i, j]
            y = rho[i] * (point[j] - v)
            primal += (z - v) * (z - v)
            change += (v - code[j]) * (v - code[j])
            z_size += z * z
            v_size += v * v
            y_size += y * y
            code[j] = v
            dual[j] = y
        residual_correlations(corr[rows[i]], code, gram, support, residual_corr[i])
        above = primal * y_size
        below = rho[i] * rho[i] * change * max(z_size, v_size)
        balance[i] = np.sqrt(above / below) if above > 0 and below > 0 else 1.0
