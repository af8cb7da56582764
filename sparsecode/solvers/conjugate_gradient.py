"""Nonlinear conjugate gradient for smooth penalties, a batch at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import halt_if_told
from sparsecode.solvers._kernels.gram_domain import share_of
from sparsecode.solvers.base import Solver

# Keeps the preconditioner finite where an atom is zero and the penalty free.
_TINY = np.float32(1e-30)


@dataclass
class ConjugateGradient(Solver):
    """Preconditioned nonlinear conjugate gradient (Polak-Ribière) for smooth penalties.

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)`` with differentiable `g`, such as
    `Cauchy`, to a stationary point. All samples of a block share one product with the Gram matrix
    an iteration; the step is found by a monotone Newton search along each sample's direction. The
    preconditioner is the diagonal of the curvature, without which atoms of unequal norm converge
    very slowly.

    Starts at ``x @ atoms.T / norms**2`` where no codes are given, as Olshausen and Field do.

    Parameters
    ----------
    max_iter : int, default=500
        Most iterations a sample may take.
    tol : float or None, default=None
        A sample stops when its largest gradient entry is at most this fraction of its largest
        correlation ``max|x @ atoms.T|`` (the scaled stationarity residual). None is 1e-5 for
        codes in float64, 5e-5 in float32. 0 runs `max_iter` iterations.

    References
    ----------
    B. Olshausen and D. Field, "Sparse coding with an overcomplete basis set: a strategy employed
    by V1?", 1997.
    E. Polak and G. Ribière, "Note sur la convergence de méthodes de directions conjuguées", 1969.

    Examples
    --------
    >>> from sparsecode.penalties import Cauchy
    >>> from sparsecode.solvers import ConjugateGradient
    >>> ConjugateGradient().solve([[2.0]], [[1.0]], Cauchy(alpha=1.0, sigma=1.0)).codes.round(4)
    array([[1.]])
    """

    max_iter: int = 500
    tol: float | None = None

    needs: ClassVar[str] = "smooth"
    _double_tol: ClassVar[float] = 1e-5

    def _prepare(self, problem):
        problem.make_shared(lipschitz=False)

    def _solve_block(self, problem, prepared, block):
        corr, half_squared_norm = problem.correlations(block.rows)
        penalty = problem.prepared
        code = block.codes.copy() if problem.codes is not None else _first_codes(problem, corr)
        squared_norms = _squared_norms(problem)
        batch = _Batch.of(corr, code, corr - problem.times_gram(code))
        record = block.history.shape[2] > 0
        alive = np.arange(len(corr))
        for t in range(self.max_iter + 1):
            halt_if_told()
            judge = self.tol > 0 or record or t == self.max_iter
            _turn_rows(penalty, squared_norms, t == 0, judge, batch)
            block.stop[alive] = batch.stop
            block.n_iter[alive] = t
            if record:
                value = penalty.value(batch.code) - 0.5 * np.einsum(
                    "ij,ij->i", batch.code, batch.corr + batch.residual
                )
                block.history[alive, 0, t:] = (half_squared_norm[alive] + value)[:, None]
                block.history[alive, 1, t:] = batch.stop[:, None]
            going = (batch.stop > self._threshold(corr.dtype)) & (t < self.max_iter)
            if self.tol == 0:
                going[:] = t < self.max_iter
            if not going.all():
                block.codes[alive[~going]] = batch.code[~going]
                alive = alive[going]
                batch = batch.select(going)
            if len(alive) == 0:
                break
            _advance_rows(penalty, squared_norms, problem.times_gram(batch.direction), batch)


def _squared_norms(problem):
    if len(problem.gram) == problem.dictionary.n_components:
        return np.diag(problem.gram).copy()
    return np.einsum("ij,ij->j", problem.gram, problem.gram)


def _first_codes(problem, corr):
    norms = problem.dictionary.norms**2
    return corr / np.where(norms > 0, norms, 1)


class _Batch(NamedTuple):
    """Samples that have not stopped: their codes, residual correlations, and directions.

    `largest` is the largest correlation of each, `slope` that along its direction.
    """

    corr: np.ndarray
    largest: np.ndarray
    code: np.ndarray
    residual: np.ndarray
    gradient: np.ndarray
    direction: np.ndarray
    slope: np.ndarray
    stop: np.ndarray

    @classmethod
    def of(cls, corr, code, residual):
        return cls(
            corr,
            np.abs(corr).max(axis=1),
            code,
            residual,
            np.zeros_like(code),
            np.zeros_like(code),
            np.ones(len(code)),
            np.empty(len(code)),
        )

    def select(self, rows):
        return _Batch(*(array[rows] for array in self))


@_jit.kernel
def _turn_rows(penalty, squared_norms, first, judge, batch):
    """New gradient and conjugate direction of each row; its scaled residual if `judge`."""
    code, residual, gradient = batch.code, batch.residual, batch.gradient
    direction, slope, stop = batch.direction, batch.slope, batch.stop
    n = code.shape[1]
    fresh = np.empty(n, dtype=code.dtype)
    scaled = np.empty(n, dtype=code.dtype)
    for s in range(code.shape[0]):
        for j in range(n):
            pull, _, majorizer = _jit.scalar_curvature(penalty, code[s, j], j)
            fresh[j] = pull - residual[s, j]
            scaled[j] = fresh[j] / (squared_norms[j] + majorizer + _TINY)
        if judge:
            worst, total = 0.0, 0.0
            for j in range(n):
                worst = max(worst, abs(fresh[j]))
                total += abs(fresh[j])
            stop[s] = share_of(worst, batch.largest[s], total)
        new_slope = 0.0
        change = 0.0
        for j in range(n):
            new_slope += fresh[j] * scaled[j]
            change += (fresh[j] - gradient[s, j]) * scaled[j]
        beta = 0.0 if first or slope[s] <= 0 else max(change / slope[s], 0.0)
        descent = 0.0
        for j in range(n):
            direction[s, j] = beta * direction[s, j] - scaled[j]
            descent += direction[s, j] * fresh[j]
        for j in range(n):
            if descent >= 0:
                direction[s, j] = -scaled[j]
            gradient[s, j] = fresh[j]
        slope[s] = new_slope


@_jit.kernel
def _advance_rows(penalty, squared_norms, curved, batch):
    """Minimise along each row's direction; `curved` holds ``direction @ gram``."""
    code, residual, direction = batch.code, batch.residual, batch.direction
    n = code.shape[1]
    eps = 16 * np.finfo(code.dtype).eps
    for s in range(code.shape[0]):
        down = 0.0
        curvature = 0.0
        noise = 0.0
        for j in range(n):
            down -= direction[s, j] * residual[s, j]
            curvature += direction[s, j] * curved[s, j]
            noise += eps * squared_norms[j] * direction[s, j] * direction[s, j]
        step = 0.0
        for _ in range(6):
            first = down + step * curvature
            second = curvature
            bound = curvature
            for j in range(n):
                d = direction[s, j]
                point = code[s, j] + step * d
                pull, second_derivative, majorizer = _jit.scalar_curvature(penalty, point, j)
                first += d * pull
                second += d * d * second_derivative
                bound += d * d * majorizer
            # Flat up to rounding: a step along it could have any length.
            if bound <= noise:
                break
            # At most twice the majoriser's step, so the objective cannot increase.
            move = first / max(second, 0.5 * bound)
            step -= move
            if abs(move) <= 1e-2 * abs(step):
                break
        for j in range(n):
            code[s, j] += step * direction[s, j]
            residual[s, j] -= step * curved[s, j]
