"""Coordinate descent in the Gram domain, on a working set of atoms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import halt_flag, is_halted
from sparsecode.solvers._kernels.arguments import Task
from sparsecode.solvers._kernels.certainty import Claim, Rounding, is_certain
from sparsecode.solvers._kernels.gram_domain import (
    dual_scale,
    objective_of,
    relative_gap,
    relative_residual,
    residual_correlations,
    share_of,
)
from sparsecode.solvers.base import Solver
from sparsecode.solvers.coordinate_descent.newton_jumps import (
    Part,
    jump_on_face,
    make_jump_workspace,
)
from sparsecode.solvers.coordinate_descent.working_set import (
    enter_working_set,
    movable_atoms,
    screen,
    violations,
)

# Share of the largest violation to which a working set is solved; measured, with a flat optimum.
_INNER = 0.05
# Most sweeps over a working set before all atoms are looked at again.
_MOST_SWEEPS = 30
# Sweeps between jumps, besides those that cost about as much as a jump.
_JUMP_AFTER = 10
# Screening begins below a tenth of this gap: before, it excludes too little to pay.
_SCREEN_BELOW = 0.02
# Rounding of correlations and gaps to allow for, in units of the machine precision.
_SLACK = 32


@dataclass
class CoordinateDescent(Solver):
    """Cyclic coordinate descent on the Gram matrix, with a working set and gap-safe screening.

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)`` for any separable penalty: each
    coefficient in turn goes to the minimiser of its own problem in one variable, so the objective
    never increases. Sweeps run over the atoms in use until these have settled; then all atoms are
    looked at, and those that violate optimality most join. A sweep over `k` atoms costs ``O(k^2)``,
    and a look at all of them ``O(k n_components)``. Where many sweeps are needed, because atoms are
    strongly correlated, Newton steps on the nonzero coefficients, ``O(k^3)`` each, follow every
    ``O(k)`` sweeps as long as they lower the objective. Where `g` is not convex it ends where no
    coefficient alone can improve, which is more than a stationary point.

    Where a duality gap judges the code, atoms that it proves to be zero at the optimum are not
    looked at again. An atom of zeros keeps a code of 0.

    Parameters
    ----------
    max_iter : int, default=10000
        Most sweeps a sample may take.
    tol : float or None, default=None
        A sample stops at this relative duality gap (convex penalties) or scaled stationarity
        residual (others; also for the step of each coefficient to its own minimum); see
        `Certificate`. None is 1e-6 for codes in float64, 5e-5 in float32. 0 runs `max_iter` sweeps.

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
    tol: float | None = None

    needs: ClassVar[str] = "separable"
    _by_parts: ClassVar[bool] = True

    def _prepare(self, problem):
        """Inverse squared norms, 0 for atoms too small to move, and norms."""
        squares = problem.well_posed().dictionary.gram.diagonal()
        with np.errstate(divide="ignore", over="ignore"):
            inverse = 1 / squares
        return _Steps(np.where(np.isfinite(inverse), inverse, 0), np.sqrt(squares))

    def _solve_block(self, problem, steps, block):
        problem = problem.well_posed()
        task = Task(*problem.correlations(block.rows), problem.dictionary.gram)
        codes = block.codes.astype(task.corr.dtype, copy=False)
        _descend_rows(
            task,
            problem.prepared,
            steps,
            problem.stop_rule(self._threshold(task.corr.dtype), self.max_iter),
            Claim(self.tol, Rounding.of(problem.dictionary, block.codes.dtype)),
            block.answer._replace(codes=codes),
            halt_flag(),
        )
        block.codes[:] = codes
        if problem.penalty.convex and not problem.by_gap:
            # A small residual is no small gap.
            block.proven[:] = False


class _Steps(NamedTuple):
    """Steps to the minimum over one coefficient, an entry an atom.

    The inverse squared norms are 0 for atoms too small to move.
    """

    inverse: np.ndarray
    norms: np.ndarray


@_jit.kernel
def _descend_rows(task, penalty, steps, rule, claim, answer, halt):
    corr, half_squared_norm, gram = task
    codes, n_iter, stop, history, proven = answer
    inverse, norms = steps
    by_gap, threshold, max_iter = rule.by_gap, rule.tol, rule.max_iter
    n = codes.shape[1]
    residual, score = np.empty_like(corr[0]), np.empty_like(corr[0])
    support, working = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    candidates, is_working = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.uint8)
    part = Part(np.empty_like(corr[0]), np.empty_like(corr[0]), np.empty_like(corr[0]))
    # Rows of no power of two of bytes, which would all lie on the same cache lines.
    part_gram = np.empty((n, n + 8), dtype=corr.dtype)
    workspace = make_jump_workspace(corr[0])
    slack = _SLACK * np.finfo(corr.dtype).eps
    record = history.shape[2] > 0
    for s in range(codes.shape[0]):
        code = codes[s]
        n_candidates = movable_atoms(inverse, code, candidates, is_working)
        count, t, n_sweeps, last_look, last, due = 0, 0, 0, 0, 0, True
        goal, screened_at = 0.0, _SCREEN_BELOW
        residual_correlations(corr[s], code, gram, support, residual)
        start_value = objective_of(penalty, corr[s], half_squared_norm[s], code, residual)
        while not is_halted(halt):
            if due or record:
                _scatter(part.code, working[:count], code)
                residual_correlations(corr[s], code, gram, support, residual)
                last = t
                stop[s], scale = _judge(
                    penalty, rule, inverse, corr[s], half_squared_norm[s], code, residual
                )
                if record:
                    history[s, 0, t] = objective_of(
                        penalty, corr[s], half_squared_norm[s], code, residual
                    )
                    history[s, 1, t] = stop[s]
            if due:
                if t == max_iter or _is_over(stop[s], threshold):
                    break
                if by_gap and stop[s] < 0.1 * screened_at:
                    screened_at = stop[s]
                    radius = np.sqrt(2 * (stop[s] + slack) * half_squared_norm[s])
                    n_candidates = screen(
                        penalty,
                        scale,
                        radius,
                        residual,
                        norms,
                        code,
                        is_working,
                        candidates,
                        n_candidates,
                    )
                worst, bar = violations(
                    penalty,
                    inverse,
                    norms,
                    code,
                    residual,
                    is_working,
                    candidates[:n_candidates],
                    score,
                )
                if worst == 0:
                    # Nothing moves from here on, however many sweeps are left.
                    t = max_iter
                    break
                count = enter_working_set(
                    bar,
                    score,
                    code,
                    gram,
                    candidates[:n_candidates],
                    is_working,
                    working,
                    count,
                    part_gram,
                )
                for a in range(count):
                    part.code[a], part.residual[a] = code[working[a]], residual[working[a]]
                last_look, goal = t, _INNER * worst
            moved = _sweep(penalty, inverse, norms, working, count, part_gram, part)
            t += 1
            n_sweeps += 1
            if n_sweeps >= _JUMP_AFTER + count // 2:
                n_sweeps = 0
                jump_on_face(penalty, inverse, working, count, part_gram, part, workspace, halt)
            due = moved <= goal or t == max_iter or t - last_look == _MOST_SWEEPS
        n_iter[s] = t
        proven[s] = stop[s] <= threshold and is_certain(
            penalty,
            rule,
            claim,
            corr[s],
            half_squared_norm[s],
            code,
            residual,
            start_value,
        )
        if record:
            history[s, 0, last + 1 :] = history[s, 0, last]
            history[s, 1, last + 1 :] = history[s, 1, last]


@_jit.inner
def _is_over(measure, threshold):
    """Return whether a sample has reached the tolerance, if there is one, or became NaN."""
    return (measure <= threshold and threshold > 0) or np.isnan(measure)


@_jit.inner
def _scatter(values, working, code):
    for a in range(working.shape[0]):
        code[working[a]] = values[a]


@_jit.outlined_with_arrays
def _judge(penalty, rule, inverse, corr, half_squared_norm, code, residual):
    """Measure that `tol` bounds, and the dual scale of the residual."""
    if rule.by_gap:
        scale = dual_scale(penalty, residual)
        return relative_gap(penalty, scale, corr, half_squared_norm, code, residual), scale
    worst = relative_residual(penalty, corr, rule.lipschitz, code, residual)
    return max(worst, _coordinate_residual(penalty, inverse, corr, code, residual)), 1.0


@_jit.outlined
def _coordinate_residual(penalty, inverse, corr, code, residual):
    """Stationarity residual of the steps to the minimum over each coefficient.

    Where the penalty is not convex, that minimum may be far away from a stationary point.
    """
    worst, largest, total = 0.0, 0.0, 0.0
    for j in range(code.shape[0]):
        largest = max(largest, abs(corr[j]))
        step = inverse[j]
        if step > 0:
            target = _jit.scalar_prox(penalty, code[j] + residual[j] * step, step, j)
            move = abs(code[j] - target) / step
            worst = max(worst, move)
            total += move
    return share_of(worst, largest, total)


@_jit.inner
def _sweep(penalty, inverse, norms, working, count, gram, part):
    """Minimise over each coefficient of the working set in turn; returns the longest step."""
    code, residual, slope = part
    longest = 0.0
    for a in range(count):
        j = working[a]
        before = code[a]
        code[a] = _jit.scalar_prox(penalty, before + residual[a] * inverse[j], inverse[j], j)
        step = code[a] - before
        if step != 0:
            row = gram[a]
            for b in range(count):
                residual[b] -= step * row[b]
            longest = max(longest, abs(step) * norms[j])
        # At its minimum over one coefficient the penalty is as steep as the rest.
        slope[a] = residual[a]
    return longest
