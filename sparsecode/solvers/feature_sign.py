"""Active-set search over supports and signs: the fastest exact solver for l1 penalties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode import _jit
from sparsecode._simd import WIDTH
from sparsecode.penalties import L1, ElasticNet
from sparsecode.solvers._active_set import (
    enter,
    enter_support,
    solve_on_support,
    subtract_active,
)
from sparsecode.solvers._fallback import failed_samples, finish_failed
from sparsecode.solvers._lanes import N_LANES, find_in_lane, lanes_above, largest_of_lanes
from sparsecode.solvers._lasso import Lasso
from sparsecode.solvers._problem import Block
from sparsecode.solvers._refine import exact_state, make_exact, rounding_of
from sparsecode.solvers.base import Solver, incompatible

# Gaps from here on float32 can reach, and its residual correlations can judge.
_SINGLE_TOL = 2e-5
# In place of samples, atoms, ridge and largest norm in float64, for a search that needs none.
_NOT_EXACT = (np.empty((0, 0)), np.empty((0, 0)), 0.0, 0.0)
# Most times that a search in float32 is taken up again for what only float64 sees.
_MOST_ROUNDS = 20
# Share of the largest violation that a candidate must reach; measured, with a flat optimum.
_EAGER = 0.65


@dataclass
class FeatureSign(Solver):
    """Feature-sign search: an active-set method for l1 and elastic-net penalties.

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)``. Keeps the support and signs of a code
    and the inverse of its Gram block; adds several violating atoms at once, solves on the support,
    walks to the first sign change if there is one, and ends when the duality gap over all atoms is
    small. The number of iterations is about half the number of nonzeros `k`; one costs ``O(k
    n_components + k^2)``.

    A search in float32 finds nearly all of the support; below a `tol` of 2e-5 it is finished in
    float64. An atom that depends on the active ones enters in exchange for one of them. Problems
    with an l1 weight of 0, and the rare samples where the search ends early, are solved by
    `CoordinateDescent` in float64.

    Parameters
    ----------
    max_iter : int, default=1000
        Most iterations a sample may take.
    tol : float, default=1e-6
        A sample stops at this relative duality gap; see `Certificate`. 0 runs until no atom
        violates optimality.

    References
    ----------
    H. Lee, A. Battle, R. Raina and A. Ng, "Efficient sparse coding algorithms", 2006.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import FeatureSign
    >>> FeatureSign().solve([[2.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5)).codes
    array([[1.5, 0. ]])
    """

    max_iter: int = 1000
    tol: float = 1e-6

    finite: ClassVar[bool] = True
    _block_size: ClassVar[int] = 1024

    def check_penalty(self, penalty):
        super().check_penalty(penalty)
        if not isinstance(penalty, (L1, ElasticNet)):
            raise incompatible(self, "an l1 or elastic-net penalty", penalty, "Use FISTA or ISTA.")

    def _prepare(self, problem):
        """The problem as a lasso in float32 and in float64."""
        if has_free_atoms(problem.penalty):
            return None
        return Lasso.of(problem, np.float32), Lasso.of(problem, np.float64)

    def _solve_block(self, problem, forms, block):
        if forms is not None:
            single, double = forms
            self._search_single(problem, single, double, block)
            failed = failed_samples(block, self.tol, self.max_iter)
            if failed.size:
                self._search_double(problem, double, failed, block)
        finish_failed(problem, block, self.tol, self.max_iter)

    def _search_single(self, problem, single, double, block):
        """Search in float32; made exact where float32 alone cannot reach the tolerance."""
        enough = problem.dictionary.dtype == np.float32 and self.tol >= _SINGLE_TOL
        # Also where the codes of an exact search are then rounded to float32.
        tol = self._threshold(problem.dictionary.dtype)
        exact = _NOT_EXACT
        if not enough:
            X = problem.centred(block.rows, np.float64)
            exact = (X, double.atoms, double.ridge, float(double.dictionary.norms.max()))
        X = problem.centred(block.rows, np.float32)
        codes = single.from_codes(block.codes)
        _search(X, single, exact, tol, self.max_iter, problem.codes is not None, codes, block)
        block.codes[:] = single.to_codes(codes)

    def _search_double(self, problem, double, rows, block):
        """Go on with some rows in float64."""
        part = Block(block.rows, *(array[rows] for array in block[1:]))
        codes = double.from_codes(part.codes.astype(np.float64))
        X = problem.centred(block.rows, np.float64)[rows]
        _search(X, double, _NOT_EXACT, self.tol, self.max_iter, True, codes, part)
        block.codes[rows] = double.to_codes(codes)
        for whole, solved in zip(block[2:], part[2:], strict=True):
            whole[rows] = solved


def _search(X, lasso, exact, tol, max_iter, may_start, codes, block):
    """Search from `codes`, which are zeros unless `may_start`, and leave the answer there."""
    dtype = lasso.atoms.dtype
    n_stripes = -(-codes.shape[1] // N_LANES)
    residual = np.zeros((n_stripes, N_LANES), dtype=dtype)
    tops = np.empty(N_LANES + 1, dtype=dtype)
    bits = np.int32 if dtype == np.float32 else np.int64
    _search_rows(
        X @ lasso.atoms.T,
        np.einsum("ij,ij->i", X, X, dtype=np.float64) / 2,
        lasso.gram,
        lasso.alpha,
        lasso.positive,
        exact,
        tol,
        max_iter,
        may_start,
        codes,
        block.n_iter,
        block.stop,
        block.history,
        residual.ravel()[: codes.shape[1]],
        residual.view(bits),
        tops,
        tops.view(bits),
    )


def has_free_atoms(penalty):
    """Whether an l1 or elastic-net penalty leaves some atom without an l1 term."""
    l1 = penalty.alpha * getattr(penalty, "l1_ratio", 1)
    weights = getattr(penalty, "weights", None)
    return l1 == 0 or (weights is not None and bool((np.asarray(weights) == 0).any()))


@_jit.kernel
def _search_rows(
    corr,
    energy,
    gram,
    alpha,
    positive,
    exact,
    tol,
    max_iter,
    may_start,
    codes,
    n_iter,
    stop,
    history,
    residual,
    residual_bits,
    tops,
    top_bits,
):
    n = codes.shape[1]
    # Padded, with rows of no power of two of bytes, which would lie on the same cache lines.
    inverse = np.empty((n + WIDTH, n + 2 * WIDTH + 4))
    active = np.empty(n, dtype=np.int64)
    is_active = np.zeros(n, dtype=np.uint8)
    # Of the active atoms: correlation with the sample, sign, coefficient, and the optimum for the
    # present signs, which follows every change of the set; then room to work in.
    size = n + WIDTH
    target, sign, code = np.empty(size), np.empty(size), np.empty(size)
    goal, cross, work = np.empty(size), np.empty(size), np.empty(size)
    state = (target, sign, code, goal, cross, work)
    lanes = (residual, residual_bits, tops, top_bits)
    # Atoms found to enter, their correlations, and residuals in float64.
    found, found_corr = np.empty(size + N_LANES, dtype=np.int64), np.empty(2 * size + N_LANES)
    room = (found, found_corr, np.empty((2, exact[0].shape[1])))
    for s in range(codes.shape[0]):
        _search_row(
            s,
            corr,
            energy[s],
            gram,
            alpha,
            positive,
            exact,
            tol,
            max_iter,
            may_start,
            codes,
            n_iter,
            stop,
            history,
            lanes,
            inverse,
            active,
            is_active,
            state,
            room,
        )


@_jit.inner
def _search_row(
    s,
    corr,
    energy,
    gram,
    alpha,
    positive,
    exact,
    tol,
    max_iter,
    may_start,
    codes,
    n_iter,
    stop,
    history,
    lanes,
    inverse,
    active,
    is_active,
    state,
    room,
):
    residual, residual_bits, tops, top_bits = lanes
    target, code = state[0], state[2]
    found, found_corr, residuals = room
    n_lanes = tops.shape[0] - 1
    is_exact = exact[0].shape[0] > 0
    count = 0
    if may_start:
        count = enter_support(
            codes[s], corr[s], gram, alpha, positive, inverse, active, is_active, state
        )
        count = solve_on_support(inverse, count, active, is_active, state)
    t = n_iter[s]
    n_wanted, n_rounds = n_lanes, 0
    while True:
        subtract_active(corr[s], gram, active, code, count, residual)
        largest = largest_of_lanes(residual_bits, positive, tops, top_bits)
        is_last = t == max_iter or n_rounds == _MOST_ROUNDS
        before, n_found = count, 0
        if is_exact:
            rounding = rounding_of(energy, exact[3], code, count)
            stop[s] = np.inf
            if is_last or not largest > alpha + rounding:
                count, n_found, stop[s] = make_exact(
                    s,
                    energy,
                    exact,
                    alpha,
                    positive,
                    tol,
                    rounding,
                    residual,
                    inverse,
                    count,
                    active,
                    is_active,
                    state,
                    residuals,
                    found,
                    found_corr,
                )
                is_last = is_last or n_found == 0
                n_rounds += 1
        else:
            stop[s] = _relative_gap(alpha, energy, largest, target, code, active, residual, count)
            is_last = is_last or not largest > alpha
        if history.shape[2] > 0:
            value, gap = 0.0, stop[s]
            if is_exact:
                value, gap = exact_state(
                    s,
                    energy,
                    exact,
                    alpha,
                    positive,
                    active,
                    is_active,
                    count,
                    code,
                    residual,
                    residuals[1],
                    found,
                    found_corr,
                )
            else:
                value = _objective(alpha, energy, target, code, active, residual, count)
            for i in range(t, history.shape[2]):
                history[s, 0, i], history[s, 1, i] = value, gap
        if stop[s] <= tol or is_last:
            break
        t += 1
        if n_found == 0:
            # Weak candidates are often wrong and cost a removal, so only better ones enter.
            bar = alpha + _EAGER * (largest - alpha)
            n_found = min(lanes_above(tops, bar, found), n_wanted)
            for i in range(n_found):
                found[i] = find_in_lane(residual_bits, positive, found[i], top_bits)
                found_corr[i] = residual[found[i]]
        count, n_entered = _enter_found(
            found,
            found_corr,
            n_found,
            corr[s],
            gram,
            alpha,
            inverse,
            count,
            active,
            is_active,
            state,
        )
        if n_entered == 0:
            break
        count = solve_on_support(inverse, count, active, is_active, state)
        # One violating atom alone always improves; several together may undo each other.
        n_wanted = 1 if count <= before else n_lanes
    n_iter[s] = t
    if may_start:
        for j in range(codes.shape[1]):
            codes[s, j] = 0
    for a in range(count):
        codes[s, active[a]] = code[a]
        is_active[active[a]] = 0


@_jit.inner
def _enter_found(
    found, found_corr, n_found, corr, gram, alpha, inverse, count, active, is_active, state
):
    """Let the atoms found enter; returns the size of the active set, and how many did."""
    n_entered = 0
    for i in range(n_found):
        # An exchange supposes that no active coefficient is still 0.
        count, entered = enter(
            found[i],
            found_corr[i] > 0,
            0.0,
            n_entered == 0,
            corr,
            gram,
            alpha,
            count,
            inverse,
            active,
            is_active,
            state,
        )
        n_entered += entered
    return count, n_entered


@_jit.inner
def _relative_gap(alpha, energy, largest, target, code, active, residual, count):
    """Duality gap of the code divided by half the squared norm of the sample."""
    scale = 1.0 if largest <= alpha else alpha / largest
    fenchel = 0.0
    half_residual = energy
    for a in range(count):
        there = residual[active[a]]
        fenchel += alpha * abs(code[a]) - scale * code[a] * there
        half_residual -= 0.5 * code[a] * (target[a] + there)
    gap = max(fenchel, 0.0) + (1 - scale) * (1 - scale) * max(half_residual, 0.0)
    if gap <= 0:
        return 0.0
    return gap / energy if energy > 0 else np.inf


@_jit.inner
def _objective(alpha, energy, target, code, active, residual, count):
    total = energy
    for a in range(count):
        total += alpha * abs(code[a]) - 0.5 * code[a] * (target[a] + residual[active[a]])
    return total
