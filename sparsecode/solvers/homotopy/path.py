"""Kernels that follow the path of lasso solutions, from corner to corner."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import is_halted
from sparsecode.solvers._kernels.certainty import is_certain
from sparsecode.solvers._kernels.cholesky import (
    append_to_factor,
    remove_from_factor,
    solve_factored,
)
from sparsecode.solvers._kernels.gram_domain import (
    dual_scale,
    objective_of,
    relative_gap,
    residual_correlations,
)
from sparsecode.solvers._kernels.rows import copy_row

# Share of the square of an atom that those in use must leave unexplained for it to join them.
_LEAST = 1e-12
# Why an atom may not join: it just left, or depends on those in use.
_LEFT, _DEPENDENT = 1, 2


class Path(NamedTuple):
    """Arrays that follow one path; rows with an entry an atom, then those of the active atoms.

    Of these: sign, coefficient, how fast it grows as the weight falls, and a row to work in.
    """

    residual: np.ndarray
    rate: np.ndarray
    speeds: np.ndarray
    zeros: np.ndarray
    support: np.ndarray
    status: np.ndarray
    active: np.ndarray
    sign: np.ndarray
    code: np.ndarray
    speed: np.ndarray
    work: np.ndarray
    factor: np.ndarray


@_jit.outlined_with_arrays
def _make_path(n):
    """A path of `n` atoms, to be filled in."""
    return Path(
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.zeros(n),
        np.empty(n, dtype=np.int64),
        np.empty(n, dtype=np.int8),
        np.empty(n, dtype=np.int64),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        # Rows of no power of two of bytes, which would all lie on the same cache lines.
        np.empty((n, n + 4)),
    )


@_jit.kernel
def follow_paths(task, penalty, rule, claim, may_start, answer, halt):
    """Fill in the codes of lasso problems, which are float64 whatever the data."""
    corr, half_squared_norm, gram = task.corr, task.half_squared_norm, task.gram
    codes, n_iter, stop, history, proven = answer
    threshold = rule.tol
    path = _make_path(codes.shape[1])
    code, support, residual = np.empty(codes.shape[1]), path.support, path.residual
    for s in range(codes.shape[0]):
        if is_halted(halt):
            return
        start_value = np.inf
        if may_start:
            stop[s], start_value = _judge(
                penalty, corr[s], half_squared_norm[s], codes[s], gram, support, residual
            )
            if stop[s] <= threshold and claim.tol > 0:
                history[s, 0], history[s, 1] = start_value, stop[s]
                continue
        n_iter[s], count = _follow_path(
            corr[s], half_squared_norm[s], task, rule, history[s], path, halt
        )
        code[:] = 0
        for a in range(count):
            code[path.active[a]] = path.code[a]
        gap, value = _judge(penalty, corr[s], half_squared_norm[s], code, gram, support, residual)
        if value <= start_value:
            codes[s], stop[s] = code, gap
            if claim.tol > 0 and gap <= claim.tol:
                proven[s] = is_certain(
                    penalty,
                    rule,
                    claim,
                    corr[s],
                    half_squared_norm[s],
                    code,
                    residual,
                    start_value,
                )
        history[s, 0, n_iter[s] :] = min(value, start_value)
        history[s, 1, n_iter[s] :] = stop[s]


@_jit.outlined_with_arrays
def _judge(penalty, corr, half_squared_norm, code, gram, support, residual):
    """Relative duality gap and objective of a code."""
    residual_correlations(corr, code, gram, support, residual)
    scale = dual_scale(penalty, residual)
    gap = relative_gap(penalty, scale, corr, half_squared_norm, code, residual)
    return gap, objective_of(penalty, corr, half_squared_norm, code, residual)


@_jit.inner_with_arrays
def _follow_path(corr, half_squared_norm, task, rule, history, path, halt):
    """Go from corner to corner; returns the number of steps and of active atoms."""
    gram, alpha, positive = task.gram, task.alpha, task.positive
    residual, rate, speeds, status, active = (
        path.residual, path.rate, path.speeds, path.status, path.active
    )  # fmt: skip
    copy_row(corr, residual)
    speeds[:] = 0
    status[:] = 0
    count, t, n_stalled = 0, 0, 0
    weight, event = _first_event(corr, positive)
    while not is_halted(halt):
        value, gap = _objective_and_gap(alpha, weight, half_squared_norm, count, corr, path)
        history[0, t:], history[1, t:] = value, gap
        # Steps of length 0, one after the other, go in circles.
        if gap <= rule.tol or t == rule.max_iter or n_stalled > len(status):
            break
        t += 1
        count = _apply(event, gram, count, path)
        for a in range(count):
            speeds[active[a]] = path.speed[a]
        residual_correlations(path.zeros, speeds, gram, path.support, rate)
        for a in range(count):
            speeds[active[a]] = 0
        length, event = _next_event(weight, alpha, positive, count, path)
        for a in range(count):
            path.code[a] += length * path.speed[a]
        _advance(length, rate, residual, status)
        n_stalled = 0 if length > 0 else n_stalled + 1
        weight = max(weight - length, alpha) if event != 0 else alpha
    if weight <= alpha:
        _polish(alpha, corr, gram, count, path)
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


@_jit.outlined
def _objective_and_gap(alpha, weight, half_squared_norm, count, corr, path):
    """Objective of a point of the path, and its relative duality gap.

    Correlations of the active atoms all equal `weight`, so one of two terms of the gap is 0.
    """
    active, code, residual = path.active, path.code, path.residual
    half_residual, value = half_squared_norm, 0.0
    for a in range(count):
        there = active[a]
        half_residual -= 0.5 * code[a] * (corr[there] + residual[there])
        value += alpha * abs(code[a])
    if weight <= alpha:
        return half_residual + value, 0.0
    share = 1 - alpha / weight
    return half_residual + value, share * share * max(half_residual, 0.0) / half_squared_norm


@_jit.outlined
def _apply(event, gram, count, path):
    """Let an atom join (its number + 1) or leave (minus its place - 1); returns the new size.

    Fills in how fast the coefficients grow as the weight falls.
    """
    active, status, factor = path.active, path.status, path.factor
    sign, code, speed = path.sign, path.code, path.speed
    if event > 0:
        j = event - 1
        for a in range(count):
            factor[count, a] = gram[j, active[a]]
        if append_to_factor(factor, count, gram[j, j], _LEAST, 0.0):
            active[count], code[count] = j, 0.0
            sign[count] = 1.0 if path.residual[j] > 0 else -1.0
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
            active[a], code[a], sign[a] = active[a + 1], code[a + 1], sign[a + 1]
    for a in range(count):
        speed[a] = sign[a]
    solve_factored(factor, count, speed)
    return count


@_jit.outlined
def _next_event(weight, alpha, positive, count, path):
    """Fall of the weight to the next corner, and the event there; 0 for none."""
    sign, code, speed = path.sign, path.code, path.speed
    residual, rate, status, active = path.residual, path.rate, path.status, path.active
    length, event = weight - alpha, 0
    for a in range(count):
        # Not active for what follows.
        status[active[a]] = _LEFT
        if speed[a] * sign[a] < 0 and -code[a] / speed[a] < length:
            length, event = max(-code[a] / speed[a], 0.0), -a - 1
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


@_jit.outlined
def _polish(alpha, corr, gram, count, path):
    """Solve once more at the end for the support and signs found, free of what has added up."""
    sign, code, speed, work = path.sign, path.code, path.speed, path.work
    active, factor = path.active, path.factor
    for a in range(count):
        speed[a] = code[a]
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
        code[a] = speed[a]
