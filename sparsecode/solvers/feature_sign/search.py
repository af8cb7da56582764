"""The kernel of feature-sign search: one sample after the other, over supports and signs."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import is_halted
from sparsecode._parallel import kept_by_thread
from sparsecode._simd import subtract_rows
from sparsecode.solvers._kernels.certainty import correlation_rounding
from sparsecode.solvers.feature_sign.active_set import (
    empty,
    enter,
    enter_support,
    make_active_set,
    set_up_again,
    solve_on_support,
)
from sparsecode.solvers.feature_sign.inverse import is_nearly_full
from sparsecode.solvers.feature_sign.lanes import (
    N_LANES,
    find_in_lane,
    lanes_above,
    largest_of_lanes,
)
from sparsecode.solvers.feature_sign.refinement import (
    SLACK,
    Workspace,
    exact_state,
    judge_rounded,
    make_exact,
)

# Most times that a search in float32 is taken up again for what only float64 sees.
_MOST_ROUNDS = 20
# Share of the largest violation that a candidate must reach; measured, with a flat optimum.
_EAGER = 0.65


class Lanes(NamedTuple):
    """Residual correlations in lanes, as numbers and as bits, and the top of each lane."""

    residual: np.ndarray
    bits: np.ndarray
    tops: np.ndarray
    top_bits: np.ndarray

    @classmethod
    def of(cls, n_components: int) -> Self:
        """Those of this thread, kept for the next samples: they take time to make."""
        return kept_by_thread("lanes", n_components, cls._empty)

    @classmethod
    def _empty(cls, n_components):
        n_rows = -(-n_components // N_LANES)
        residual = np.zeros((n_rows + N_LANES, N_LANES), dtype=np.float32)[N_LANES:]
        tops = np.empty(N_LANES + 1, dtype=np.float32)
        flat = residual.ravel()[:n_components]
        return cls(flat, residual.view(np.int32), tops, tops.view(np.int32))


@_jit.kernel
def search_rows(task, exact, rule, may_start, answer, lanes, most, halt):
    """Solve each row of a lasso from its code, zero unless `may_start`.

    No more than `most` atoms are linearly independent. `proven` tells of which rows the gap holds
    whatever rounding hides, and the objective is below that of the start and of 0.
    """
    n = answer.codes.shape[1]
    active_set = make_active_set(n, most)
    size = 2 * n + N_LANES
    n_features = exact.samples.shape[1]
    # Space before what is written to: a loop that begins less than a few vectors behind what it
    # reads runs without vectors, and rounds differently, so that the place of arrays in memory
    # would show in the last bits of a code.
    before = 64 // max(n_features, 1) + 1
    workspace = Workspace(
        np.empty(size, dtype=np.int64), np.empty(size), np.empty((2 + before, n_features))[before:]
    )
    for s in range(answer.codes.shape[0]):
        if is_halted(halt):
            return
        _search_row(s, task, exact, rule, may_start, answer, lanes, active_set, workspace, halt)


@_jit.inner
def _search_row(s, task, exact, rule, may_start, answer, lanes, active_set, workspace, halt):
    alpha, positive, gram = task.alpha, task.positive, task.gram
    corr, half_squared_norm = task.corr[s], task.half_squared_norm[s]
    tol, max_iter = rule.tol, rule.max_iter
    codes, n_iter, stop, history, proven = answer
    residual, active, code = lanes.residual, active_set.active, active_set.code
    count, fell = 0, True
    if may_start:
        count = enter_support(codes[s], s, task, exact, active_set)
        # What was left out of a start may have made it better.
        fell = count == _count_nonzero(codes[s])
        count = solve_on_support(count, active_set)
    t = n_iter[s]
    n_wanted, n_rounds = N_LANES, 0
    while not is_halted(halt):
        subtract_rows(corr, gram, active, code, count, residual)
        largest = largest_of_lanes(lanes.bits, positive, lanes.tops, lanes.top_bits)
        is_last = t >= max_iter or (n_rounds == _MOST_ROUNDS and not exact.is_careful)
        before, n_found, moved = count, 0, 0.0
        if exact.refines:
            rounding = correlation_rounding(
                SLACK, exact.largest_norm, half_squared_norm, _l1_norm(code, count)
            )
            stop[s] = np.inf
            if is_last or not largest > alpha + rounding:
                count, n_found, stop[s], moved = make_exact(
                    s, task, exact, tol, rounding, residual, count, active_set, workspace
                )
                is_last = is_last or n_found == 0
                n_rounds += 1
            proven[s] = fell and stop[s] <= tol
            is_judged = stop[s] <= tol
        else:
            rounding, gap, bound, below = _relative_gaps(
                alpha,
                half_squared_norm,
                largest,
                exact.largest_norm,
                residual,
                count,
                active_set,
            )
            proven[s] = fell and below and bound <= tol
            # Goes on while more may be proven than is.
            is_last = is_last or not largest > alpha + (rounding if gap <= tol else 0.0)
            stop[s] = bound if bound <= tol or not is_last else gap
            is_judged = is_last and gap <= tol < bound
        if exact.rounds and is_judged:
            value, stop[s] = judge_rounded(
                s, task, exact, rounding + moved, residual, count, active_set, workspace
            )
            proven[s] = fell and stop[s] <= tol and value <= half_squared_norm
        if history.shape[2] > 0:
            _record(s, t, task, stop[s], exact, history, lanes, count, active_set, workspace)
        if stop[s] <= tol or is_last:
            break
        t += 1
        if n_found == 0:
            # Weak candidates are often wrong and cost a removal, so only better ones enter.
            bar = alpha + _EAGER * (largest - alpha)
            n_found = _find_candidates(bar, n_wanted, positive, lanes, workspace)
        elif exact.is_careful:
            n_found = _keep_best(n_found, n_wanted, workspace)
        if is_nearly_full(count, active_set.inverse):
            count = set_up_again(s, task, exact, count, active_set)
        count, n_entered = _enter_found(n_found, s, task, exact, count, active_set, workspace)
        if n_entered == 0:
            break
        count = solve_on_support(count, active_set)
        # One violating atom alone always improves; several together may undo each other.
        n_wanted = 1 if count <= before else N_LANES
    n_iter[s] = t
    _write_code(codes[s], may_start, count, active_set)


@_jit.inner
def _l1_norm(code, count):
    total = 0.0
    for a in range(count):
        total += abs(code[a])
    return total


@_jit.inner
def _count_nonzero(code):
    count = 0
    for j in range(code.shape[0]):
        count += code[j] != 0
    return count


@_jit.inner
def _write_code(out, may_start, count, active_set):
    """Write the coefficients to a code, which is 0 unless `may_start`, and empty the active set."""
    if may_start:
        for j in range(out.shape[0]):
            out[j] = 0
    for a in range(count):
        out[active_set.active[a]] = active_set.code[a]
    empty(count, active_set)


@_jit.outlined
def _record(s, t, task, gap, exact, history, lanes, count, active_set, workspace):
    """Write objective and gap to the history of a sample, from iteration `t` on."""
    residual = lanes.residual
    value = _objective(task.alpha, task.half_squared_norm[s], residual, count, active_set)
    if exact.refines:
        value, gap = exact_state(s, task, exact, -np.inf, residual, count, active_set, workspace)
    for i in range(t, history.shape[2]):
        history[s, 0, i], history[s, 1, i] = value, gap


@_jit.inner
def _find_candidates(bar, n_wanted, positive, lanes, workspace):
    """Find the best atom of every lane that reaches `bar`; returns how many."""
    found = workspace.found
    n_found = min(lanes_above(lanes.tops, bar, found), n_wanted)
    for i in range(n_found):
        found[i] = find_in_lane(lanes.bits, positive, found[i], lanes.top_bits)
        workspace.correlations[i] = lanes.residual[found[i]]
    return n_found


@_jit.inner
def _keep_best(n_found, n_wanted, workspace):
    """Keep the atom of the largest correlation where only one is wanted; returns how many."""
    if n_wanted > 1:
        return n_found
    found, correlations = workspace.found, workspace.correlations
    best = 0
    for i in range(n_found):
        if abs(correlations[i]) > abs(correlations[best]):
            best = i
    found[0], correlations[0] = found[best], correlations[best]
    return 1


@_jit.inner
def _enter_found(n_found, s, task, exact, count, active_set, workspace):
    """Let the atoms found enter; returns the size of the active set, and how many did."""
    n_entered = 0
    for i in range(min(n_found, N_LANES)):
        is_up = workspace.correlations[i] > 0
        # An exchange supposes that no active coefficient is still 0.
        may_exchange = n_entered == 0
        count, entered = enter(
            workspace.found[i], is_up, 0.0, may_exchange, s, task, exact, count, active_set
        )
        n_entered += entered
    return count, n_entered


@_jit.outlined
def _relative_gaps(alpha, half_squared_norm, largest, largest_norm, residual, count, active_set):
    """Duality gap divided by half the squared norm of the sample, and what it is at most.

    Returns the bound of what residual correlations may be wrong by; the gap; the gap with all that
    this may hide; and whether the objective is below that of a code of 0 all the same.
    """
    target, code, active = active_set.target, active_set.code, active_set.active
    l1, square, inner, half_residual = 0.0, 0.0, 0.0, half_squared_norm
    for a in range(count):
        there = residual[active[a]]
        l1 += abs(code[a])
        square += code[a] * code[a]
        inner += code[a] * there
        half_residual -= 0.5 * code[a] * (target[a] + there)
    half_residual = max(half_residual, 0.0)
    rounding = correlation_rounding(SLACK, largest_norm, half_squared_norm, l1)
    # Errors of different correlations are independent.
    error = rounding * np.sqrt(square)
    scale = 1.0 if largest <= alpha else alpha / largest
    gap = max(alpha * l1 - scale * inner, 0.0) + (1 - scale) * (1 - scale) * half_residual
    scale = 1.0 if largest + rounding <= alpha else alpha / (largest + rounding)
    bound = max(alpha * l1 - scale * inner, 0.0) + error
    bound += (1 - scale) * (1 - scale) * (half_residual + error)
    below = count == 0 or half_residual + alpha * l1 + error <= half_squared_norm
    if not half_squared_norm > 0:
        return rounding, 0.0 if gap <= 0 else np.inf, 0.0 if bound <= 0 else np.inf, below
    return rounding, gap / half_squared_norm, bound / half_squared_norm, below


@_jit.inner
def _objective(alpha, half_squared_norm, residual, count, active_set):
    target, code, active = active_set.target, active_set.code, active_set.active
    total = half_squared_norm
    for a in range(count):
        total += alpha * abs(code[a]) - 0.5 * code[a] * (target[a] + residual[active[a]])
    return total
