"""Active-set search over supports and signs: the fastest exact solver for l1 penalties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode import _jit
from sparsecode.penalties import L1, ElasticNet
from sparsecode.solvers._active_set import any_nonzero, enter, enter_support, solve_on_support
from sparsecode.solvers._fallback import finish_failed
from sparsecode.solvers._lanes import N_LANES, find_in_lane, lanes_above, largest_of_lanes
from sparsecode.solvers._lasso import Lasso
from sparsecode.solvers.base import Solver, incompatible

# Gaps from here on float32 can reach, and its residual correlations can judge.
_SINGLE_TOL = 2e-5
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
        """The forms to solve one after the other, each with its tolerance."""
        if has_free_atoms(problem.penalty):
            return []
        in_double = (Lasso.of(problem, np.float64), self.tol)
        if problem.dictionary.dtype == np.float32 and self.tol >= _SINGLE_TOL:
            return [(Lasso.of(problem, np.float32), self._threshold(np.float32))]
        return [(Lasso.of(problem, np.float32), _SINGLE_TOL), in_double]

    def _solve_block(self, problem, forms, block):
        codes, may_start = block.codes, problem.codes is not None
        for lasso, tol in forms:
            codes = self._search(problem, lasso, codes, may_start, tol, block)
            may_start = True
        if codes is not block.codes:
            block.codes[:] = codes
        finish_failed(problem, block, self.tol, self.max_iter)

    def _search(self, problem, lasso, codes, may_start, tol, block):
        """Go on from `codes`, zeros unless `may_start`; in place if `lasso` is the same problem."""
        dtype = lasso.atoms.dtype
        X = problem.dictionary.center(problem.X[block.rows]).astype(dtype, copy=False)
        codes = lasso.from_codes(codes)
        n_stripes = -(-codes.shape[1] // N_LANES)
        residual = np.zeros((n_stripes, N_LANES), dtype=dtype)
        tops = np.empty(N_LANES, dtype=dtype)
        bits = np.int32 if dtype == np.float32 else np.int64
        _search_rows(
            X @ lasso.atoms.T,
            np.einsum("ij,ij->i", X, X) / 2,
            lasso.gram,
            lasso.alpha,
            lasso.positive,
            tol,
            self.max_iter,
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
        return lasso.to_codes(codes)


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
    # Rows of no power of two of bytes, which would all lie on the same cache lines.
    inverse = np.empty((n, n + 4))
    active = np.empty(n, dtype=np.int64)
    is_active = np.zeros(n, dtype=np.uint8)
    # Of the active atoms: correlation with the sample, sign, coefficient, and the optimum for the
    # present signs, which follows every change of the set; then room to work in.
    target, sign, code = np.empty(n), np.empty(n), np.empty(n)
    goal, cross, work = np.empty(n), np.empty(n), np.empty(n)
    state = (target, sign, code, goal, cross, work)
    n_lanes = tops.shape[0]
    found = np.empty(n_lanes + 1, dtype=np.int64)
    record = history.shape[2] > 0
    for s in range(codes.shape[0]):
        count = 0
        had_support = may_start and any_nonzero(codes[s])
        if had_support:
            count = enter_support(
                codes[s], corr[s], gram, alpha, positive, inverse, active, is_active, state
            )
            count = solve_on_support(inverse, count, active, is_active, state)
        t = n_iter[s]
        n_wanted = n_lanes
        while True:
            _residual_of_active(corr[s], gram, active, code, count, residual)
            largest = largest_of_lanes(residual_bits, positive, tops, top_bits)
            stop[s] = _relative_gap(
                alpha, energy[s], largest, target, code, active, residual, count
            )
            if record:
                history[s, 0, t:] = _objective(
                    alpha, energy[s], target, code, active, residual, count
                )
                history[s, 1, t:] = stop[s]
            if stop[s] <= tol or t == max_iter or not largest > alpha:
                break
            t += 1
            # Weak candidates are often wrong and cost a removal, so only the better ones enter.
            bar = alpha + _EAGER * (largest - alpha)
            before, n_entered = count, 0
            n_found = lanes_above(tops, bar, found)
            for i in range(min(n_found, n_wanted)):
                j = find_in_lane(residual_bits, positive, found[i], top_bits)
                # An exchange supposes that no active coefficient is still 0.
                count, entered = enter(
                    j,
                    residual[j] > 0,
                    0.0,
                    n_entered == 0,
                    corr[s],
                    gram,
                    alpha,
                    count,
                    inverse,
                    active,
                    is_active,
                    state,
                )
                n_entered += entered
            if n_entered == 0:
                break
            count = solve_on_support(inverse, count, active, is_active, state)
            # One violating atom alone always improves; several together may undo each other.
            n_wanted = 1 if count <= before else n_lanes
        n_iter[s] = t
        if had_support:
            for j in range(n):
                codes[s, j] = 0
        for a in range(count):
            codes[s, active[a]] = code[a]
            is_active[active[a]] = 0


@_jit.kernel
def _residual_of_active(corr, gram, active, code, count, out):
    """Fill `out` with ``corr - code @ gram[active]``, four rows a pass."""
    n = out.shape[0]
    real = out.dtype.type
    k = count % 4
    for j in range(n):
        out[j] = corr[j]
    for a in range(k):
        z, row = real(code[a]), gram[active[a]]
        for j in range(n):
            out[j] -= z * row[j]
    while k < count:
        z0, z1, z2, z3 = real(code[k]), real(code[k + 1]), real(code[k + 2]), real(code[k + 3])
        r0, r1 = gram[active[k]], gram[active[k + 1]]
        r2, r3 = gram[active[k + 2]], gram[active[k + 3]]
        for j in range(n):
            out[j] -= z0 * r0[j] + z1 * r1[j] + z2 * r2[j] + z3 * r3[j]
        k += 4


@_jit.kernel
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


@_jit.kernel
def _objective(alpha, energy, target, code, active, residual, count):
    total = energy
    for a in range(count):
        total += alpha * abs(code[a]) - 0.5 * code[a] * (target[a] + residual[active[a]])
    return total
