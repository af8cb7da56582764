"""Homotopy for l1 penalties: the path of all weights, from the largest down to `alpha`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import halt_flag, is_halted
from sparsecode.penalties import L1
from sparsecode.solvers._cholesky import append_to_factor, remove_from_factor, solve_factored
from sparsecode.solvers._fallback import finish_failed
from sparsecode.solvers._lasso import Lasso, LassoSolver, has_free_atoms
from sparsecode.solvers._proof import Rounding, is_certain
from sparsecode.solvers._proximal import (
    dual_scale,
    objective_of,
    relative_gap,
    residual_correlations,
)

# Share of the square of an atom that those in use must leave unexplained for it to join them.
_LEAST = 1e-12
# Why an atom may not join: it just left, or depends on those in use.
_LEFT, _DEPENDENT = 1, 2


@dataclass
class Homotopy(LassoSolver):
    """Homotopy (the lasso form of least angle regression) for l1 and elastic-net penalties.

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)``. The solution is a piecewise linear
    function of the weight: 0 down to the largest correlation, then along straight lines, with one
    atom that joins or leaves the support at each corner. A step goes to the next corner with the
    Cholesky factor of the Gram block of the support, updated, and costs ``O(k n_components +
    k^2)``. There are hardly more steps than nonzeros `k`, though contrived problems take
    ``O(3^n_components)``.

    A sample ends before `alpha` at a corner where its duality gap is small already. The gap of
    every code is verified; samples for which rounding or atoms that depend on each other led off
    the path, and problems with an l1 weight of 0, are solved by `CoordinateDescent`. Codes given to
    start from are returned if they reach `tol`; otherwise they serve that solver only.

    Parameters
    ----------
    max_iter : int, default=5000
        Most corners of the path for a sample.
    tol : float, default=1e-6
        A sample stops at this relative duality gap; see `Certificate`. 0 runs down to `alpha`.

    References
    ----------
    M. Osborne, B. Presnell and B. Turlach, "A new approach to variable selection in least squares
    problems", 2000.
    B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, "Least angle regression", 2004.
    D. Malioutov, M. Çetin and A. Willsky, "Homotopy continuation for sparse signal
    representation", 2005.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import Homotopy
    >>> Homotopy().solve([[2.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5)).codes
    array([[1.5, 0. ]])
    """

    max_iter: int = 5000
    tol: float = 1e-6

    def _prepare(self, problem):
        """The problem as a lasso, and its penalty; None for free atoms."""
        if has_free_atoms(problem.penalty):
            return None
        lasso = Lasso.of(problem, np.float64)
        # Before blocks need it at the same time.
        _ = lasso.gram
        n_components = problem.dictionary.n_components
        return lasso, L1(lasso.alpha, None, lasso.positive).prepare(n_components, np.float64)

    def _solve_block(self, problem, prepared, block):
        if prepared is not None:
            lasso, penalty = prepared
            X = problem.centred(block.rows, np.float64)
            codes = lasso.from_codes(block.codes)
            _path_rows(
                X @ lasso.atoms.T,
                np.einsum("ij,ij->i", X, X) / 2,
                lasso.gram,
                penalty,
                lasso.alpha,
                lasso.positive,
                self._threshold(problem.dictionary.dtype),
                self.tol,
                # That of the codes returned.
                Rounding.of(lasso.dictionary, problem.dictionary.dtype),
                self.max_iter,
                problem.codes is not None,
                codes,
                block.n_iter,
                block.stop,
                block.history,
                block.proven,
                halt_flag(),
            )
            block.codes[:] = lasso.to_codes(codes)
        finish_failed(problem, block, self.tol, self.max_iter)


@_jit.kernel
def _path_rows(
    corr,
    energy,
    gram,
    penalty,
    alpha,
    positive,
    threshold,
    tol,
    rounding,
    max_iter,
    may_start,
    codes,
    n_iter,
    stop,
    history,
    proven,
    halt,
):
    n = codes.shape[1]
    code, residual, rate, zeros = np.empty(n), np.empty(n), np.empty(n), np.zeros(n)
    support, active = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    status = np.empty(n, dtype=np.int8)
    # Of the active atoms: sign, coefficient, and how fast it grows; then room to work in.
    state = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    # Rows of no power of two of bytes, which would all lie on the same cache lines.
    factor = np.empty((n, n + 4))
    for s in range(codes.shape[0]):
        if is_halted(halt):
            return
        start_value = np.inf
        if may_start:
            stop[s], start_value = _judge(
                penalty, corr[s], energy[s], codes[s], gram, support, residual
            )
            if stop[s] <= threshold and tol > 0:
                history[s, 0], history[s, 1] = start_value, stop[s]
                continue
        n_iter[s], count = _follow_path(
            corr[s],
            energy[s],
            gram,
            alpha,
            positive,
            threshold,
            max_iter,
            history[s],
            (code, residual, rate, zeros, support),
            active,
            status,
            factor,
            state,
            halt,
        )
        for a in range(count):
            code[active[a]] = state[1][a]
        gap, value = _judge(penalty, corr[s], energy[s], code, gram, support, residual)
        if value <= start_value:
            codes[s], stop[s] = code, gap
            if tol > 0 and gap <= tol:
                proven[s] = is_certain(
                    penalty,
                    True,
                    1.0,
                    tol,
                    rounding,
                    corr[s],
                    energy[s],
                    code,
                    residual,
                    start_value,
                )
        history[s, 0, n_iter[s] :] = min(value, start_value)
        history[s, 1, n_iter[s] :] = stop[s]


@_jit.kernel
def _judge(penalty, corr, energy, code, gram, support, residual):
    """Relative duality gap and objective of a code."""
    residual_correlations(corr, code, gram, support, residual)
    scale = dual_scale(penalty, residual)
    gap = relative_gap(penalty, scale, corr, energy, code, residual)
    return gap, objective_of(penalty, corr, energy, code, residual)


@_jit.kernel
def _follow_path(
    corr,
    energy,
    gram,
    alpha,
    positive,
    tol,
    max_iter,
    history,
    rows,
    active,
    status,
    factor,
    state,
    halt,
):
    """Go from corner to corner; returns the number of steps and of active atoms."""
    _, part, speed, _ = state
    code, residual, rate, zeros, support = rows
    residual[:] = corr
    code[:] = 0
    status[:] = 0
    count, t, n_stalled = 0, 0, 0
    weight, event = _first_event(corr, positive)
    while not is_halted(halt):
        value, gap = _objective_and_gap(alpha, weight, energy, count, corr, residual, active, state)
        history[0, t:], history[1, t:] = value, gap
        # Steps of length 0, one after the other, go in circles.
        if gap <= tol or t == max_iter or n_stalled > len(status):
            break
        t += 1
        count = _apply(event, residual, gram, count, active, status, factor, state)
        for a in range(count):
            code[active[a]] = speed[a]
        residual_correlations(zeros, code, gram, support, rate)
        for a in range(count):
            code[active[a]] = 0
        length, event = _next_event(
            weight, alpha, positive, residual, rate, count, active, status, state
        )
        for a in range(count):
            part[a] += length * speed[a]
        _advance(length, rate, residual, status)
        n_stalled = 0 if length > 0 else n_stalled + 1
        weight = max(weight - length, alpha) if event != 0 else alpha
    if weight <= alpha:
        _polish(alpha, corr, gram, count, active, factor, state)
    return t, count


@_jit.inner
def _first_event(corr, positive):
    """Largest weight of a code that is not 0, and the atom that is first: its number + 1."""
    largest, first = 0.0, 0
    for j in range(corr.shape[0]):
        size = corr[j] if positive else abs(corr[j])
        if size > largest:
            largest, first = size, j + 1
    return largest, first


@_jit.inner
def _objective_and_gap(alpha, weight, energy, count, corr, residual, active, state):
    """Objective of a point of the path, and its relative duality gap.

    Correlations of the active atoms all equal `weight`, so one of two terms of the gap is 0.
    """
    _, part, _, _ = state
    half_residual, value = energy, 0.0
    for a in range(count):
        there = active[a]
        half_residual -= 0.5 * part[a] * (corr[there] + residual[there])
        value += alpha * abs(part[a])
    if weight <= alpha:
        return half_residual + value, 0.0
    share = 1 - alpha / weight
    return half_residual + value, share * share * max(half_residual, 0.0) / energy


@_jit.inner
def _apply(event, residual, gram, count, active, status, factor, state):
    """Let an atom join (its number + 1) or leave (minus its place - 1); returns the new size.

    Fills in how fast the coefficients grow as the weight falls.
    """
    sign, part, speed, _ = state
    if event > 0:
        j = event - 1
        for a in range(count):
            factor[count, a] = gram[j, active[a]]
        if append_to_factor(factor, count, gram[j, j], _LEAST, 0.0):
            active[count], part[count] = j, 0.0
            sign[count] = 1.0 if residual[j] > 0 else -1.0
            status[j] = _LEFT
            count += 1
        else:
            status[j] = _DEPENDENT
    else:
        p = -event - 1
        remove_from_factor(factor, count, p)
        for j in range(status.shape[0]):
            status[j] = 0
        status[active[p]] = _LEFT
        count -= 1
        for a in range(p, count):
            active[a], part[a], sign[a] = active[a + 1], part[a + 1], sign[a + 1]
    for a in range(count):
        speed[a] = sign[a]
    solve_factored(factor, count, speed)
    return count


@_jit.inner
def _next_event(weight, alpha, positive, residual, rate, count, active, status, state):
    """How far the weight falls to the next corner, and what happens there; 0 for nothing."""
    sign, part, speed, _ = state
    length, event = weight - alpha, 0
    for a in range(count):
        # Not active for what follows.
        status[active[a]] = _LEFT
        if speed[a] * sign[a] < 0 and -part[a] / speed[a] < length:
            length, event = max(-part[a] / speed[a], 0.0), -a - 1
    for j in range(residual.shape[0]):
        if status[j] == 0:
            if max(weight - residual[j], 0.0) < length * (1 + rate[j]):
                length, event = max(weight - residual[j], 0.0) / (1 + rate[j]), j + 1
            if not positive and max(weight + residual[j], 0.0) < length * (1 - rate[j]):
                length, event = max(weight + residual[j], 0.0) / (1 - rate[j]), j + 1
    return length, event


@_jit.inner
def _advance(length, rate, residual, status):
    for j in range(residual.shape[0]):
        residual[j] += length * rate[j]
        if status[j] == _LEFT and length > 0:
            status[j] = 0


@_jit.inner
def _polish(alpha, corr, gram, count, active, factor, state):
    """Solve once more at the end for the support and signs found, free of what has added up."""
    sign, part, speed, work = state
    for a in range(count):
        speed[a] = part[a]
    for _ in range(2):
        for a in range(count):
            work[a] = corr[active[a]] - alpha * sign[a]
            row = gram[active[a]]
            for b in range(count):
                work[a] -= speed[b] * row[active[b]]
        solve_factored(factor, count, work)
        for a in range(count):
            speed[a] += work[a]
    for a in range(count):
        if not speed[a] * sign[a] >= 0:
            return
    for a in range(count):
        part[a] = speed[a]
