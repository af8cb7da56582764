"""Coordinate descent in the Gram domain, on a working set of atoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsecode import _jit
from sparsecode.solvers._proximal import (
    dual_scale,
    objective_of,
    relative_gap,
    relative_residual,
    residual_correlations,
)
from sparsecode.solvers.base import Solver, incompatible

# Share of the largest violation outside the working set that an atom must reach to enter it, and
# share of the largest violation of all to which a working set is solved; measured, flat optima.
_EAGER = 0.5
_INNER = 0.05
# Most sweeps over a working set before all atoms are looked at again.
_MOST_SWEEPS = 30
# Rounding that the radius of the screening rule allows for, in units of the machine precision.
_SCREENING_SLACK = 32


@dataclass
class CoordinateDescent(Solver):
    """Cyclic coordinate descent on the Gram matrix, with a working set and gap-safe screening.

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)`` for any separable penalty: each
    coefficient in turn goes to the minimiser of its own problem in one variable, so the objective
    never increases. Sweeps run over the atoms in use until these have settled; then all atoms are
    looked at, and those that violate optimality most join. A sweep over `k` atoms costs ``O(k^2)``,
    and a look at all of them ``O(k n_components)``. Where `g` is not convex it ends where no
    coefficient alone can improve, which is more than a stationary point.

    Where a duality gap judges the code, atoms that it proves to be zero at the optimum are never
    looked at again.

    Parameters
    ----------
    max_iter : int, default=10000
        Most sweeps a sample may take.
    tol : float, default=1e-6
        A sample stops at this relative duality gap (convex penalties) or scaled stationarity
        residual (others, and weighted l1 with free atoms); see `Certificate`. 0 runs `max_iter`
        sweeps.

    References
    ----------
    J. Friedman, T. Hastie, H. Höfling and R. Tibshirani, "Pathwise coordinate optimization", 2007.
    Y. Li and S. Osher, "Coordinate descent optimization for l1 minimization with application to
    compressed sensing; a greedy algorithm", 2009.
    E. Ndiaye, O. Fercoq, A. Gramfort and J. Salmon, "Gap safe screening rules for sparsity
    enforcing penalties", 2017.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import CoordinateDescent
    >>> CoordinateDescent().solve([[2.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5)).codes
    array([[1.5, 0. ]])
    """

    max_iter: int = 10000
    tol: float = 1e-6

    def check_penalty(self, penalty):
        super().check_penalty(penalty)
        if not penalty.separable:
            raise incompatible(self, "a separable penalty", penalty, "Use FISTA or ISTA.")

    def _prepare(self, problem):
        """Inverse squared norms, 0 for atoms too small to move, and norms."""
        squares = problem.dictionary.gram.diagonal()
        with np.errstate(divide="ignore", over="ignore"):
            inverse = 1 / squares
        return np.where(np.isfinite(inverse), inverse, 0), np.sqrt(squares)

    def _solve_block(self, problem, prepared, block):
        corr, energy = problem.correlations(block.rows)
        _descend_rows(
            corr,
            energy,
            problem.dictionary.gram,
            *prepared,
            problem.prepared,
            problem.by_gap,
            corr.dtype.type(problem.dictionary.lipschitz * _jit.ABOVE_ONE),
            self._threshold(corr.dtype),
            self.max_iter,
            block.codes,
            block.n_iter,
            block.stop,
            block.history,
        )


@_jit.kernel
def _descend_rows(
    corr,
    energy,
    gram,
    inverse,
    norms,
    penalty,
    by_gap,
    lipschitz,
    tol,
    max_iter,
    codes,
    n_iter,
    stop,
    history,
):
    n = codes.shape[1]
    residual, score = np.empty_like(corr[0]), np.empty_like(corr[0])
    support, working = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    candidates, is_working = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.uint8)
    # Of the working set: coefficient, residual correlation, and Gram block, with rows of no power
    # of two of bytes, which would all lie on the same cache lines.
    part, part_residual = np.empty_like(corr[0]), np.empty_like(corr[0])
    part_gram = np.empty((n, n + 8), dtype=corr.dtype)
    slack = _SCREENING_SLACK * np.finfo(corr.dtype).eps
    record = history.shape[2] > 0
    for s in range(codes.shape[0]):
        code = codes[s]
        count, n_candidates = 0, 0
        for j in range(n):
            if inverse[j] > 0:
                candidates[n_candidates] = j
                n_candidates += 1
            else:
                code[j] = 0
            is_working[j] = 0
        t, last_look, due, screened_at = 0, 0, True, 1.0
        goal = 0.0
        while True:
            if due or record:
                for a in range(count):
                    code[working[a]] = part[a]
                residual_correlations(corr[s], code, gram, support, residual)
                scale = 1.0
                if by_gap:
                    scale = dual_scale(penalty, residual)
                    stop[s] = relative_gap(penalty, scale, corr[s], energy[s], code, residual)
                else:
                    stop[s] = relative_residual(penalty, corr[s], lipschitz, code, residual)
                if record:
                    history[s, 0, t] = objective_of(penalty, corr[s], energy[s], code, residual)
                    history[s, 1, t] = stop[s]
            if due:
                if (stop[s] <= tol and tol > 0) or t == max_iter:
                    break
                if by_gap and stop[s] < 0.1 * screened_at:
                    screened_at = stop[s]
                    radius = np.sqrt(2 * (stop[s] + slack) * energy[s])
                    n_candidates = _screen(
                        penalty, scale, radius, residual, norms, code, candidates, n_candidates
                    )
                worst, worst_outside = _violations(
                    penalty,
                    inverse,
                    norms,
                    code,
                    residual,
                    is_working,
                    candidates,
                    n_candidates,
                    score,
                )
                if worst == 0:
                    # Nothing moves from here on, however many sweeps are left.
                    break
                count = _enter(
                    _EAGER * worst_outside,
                    score,
                    code,
                    gram,
                    candidates,
                    n_candidates,
                    is_working,
                    working,
                    count,
                    part_gram,
                )
                for a in range(count):
                    part[a], part_residual[a] = code[working[a]], residual[working[a]]
                last_look, goal = t, _INNER * worst
            moved = _sweep(penalty, inverse, norms, working, count, part, part_residual, part_gram)
            t += 1
            due = moved <= goal or t == max_iter or t - last_look == _MOST_SWEEPS
        n_iter[s] = t if stop[s] <= tol and tol > 0 else max_iter
        if record:
            history[s, 0, t + 1 :] = history[s, 0, t]
            history[s, 1, t + 1 :] = history[s, 1, t]


@_jit.kernel
def _sweep(penalty, inverse, norms, working, count, part, part_residual, part_gram):
    """Minimise over each coefficient of the working set in turn; returns the longest step."""
    longest = 0.0
    for a in range(count):
        j = working[a]
        before = part[a]
        part[a] = _jit.scalar_prox(penalty, before + part_residual[a] * inverse[j], inverse[j], j)
        step = part[a] - before
        if step != 0:
            row = part_gram[a]
            for b in range(count):
                part_residual[b] -= step * row[b]
            longest = max(longest, abs(step) * norms[j])
    return longest


@_jit.kernel
def _violations(
    penalty, inverse, norms, code, residual, is_working, candidates, n_candidates, score
):
    """Length of the step that each candidate would take: the longest, and that of newcomers."""
    worst = 0.0
    worst_outside = 0.0
    for i in range(n_candidates):
        j = candidates[i]
        target = _jit.scalar_prox(penalty, code[j] + residual[j] * inverse[j], inverse[j], j)
        score[j] = abs(target - code[j]) * norms[j]
        worst = max(worst, score[j])
        if not is_working[j]:
            worst_outside = max(worst_outside, score[j])
    return worst, worst_outside


@_jit.kernel
def _enter(bar, score, code, gram, candidates, n_candidates, is_working, working, count, part_gram):
    """Let candidates that reach `bar` join, and all that are not zero; returns the new size."""
    for i in range(n_candidates):
        j = candidates[i]
        if is_working[j] or not (code[j] != 0 or (score[j] > 0 and score[j] >= bar)):
            continue
        for a in range(count):
            part_gram[a, count] = part_gram[count, a] = gram[j, working[a]]
        part_gram[count, count] = gram[j, j]
        working[count], is_working[j] = j, 1
        count += 1
    return count


@_jit.kernel
def _screen(penalty, scale, radius, residual, norms, code, candidates, n_candidates):
    """Drop candidates that are zero now and at the optimum; returns how many are left.

    The optimal residual lies in a ball around the scaled one. A coefficient is 0 if every
    correlation that the ball allows lies inside the subdifferential at 0, an interval, that is if
    the prox maps both ends to 0.
    """
    kept = 0
    one = residual.dtype.type(1)
    for i in range(n_candidates):
        j = candidates[i]
        middle = residual.dtype.type(scale * residual[j])
        reach = residual.dtype.type(radius * norms[j])
        inside = (
            code[j] == 0
            and _jit.scalar_prox(penalty, middle + reach, one, j) == 0
            and _jit.scalar_prox(penalty, middle - reach, one, j) == 0
        )
        if not inside:
            candidates[kept] = j
            kept += 1
    return kept
