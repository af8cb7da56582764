"""Verification of the codes of a solver, in float64, before they are returned."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from sparsecode._judge import Judge
from sparsecode.solvers._batch.problem import Block

# Objectives that differ by less, in units of the machine precision times that of a code of 0, are
# the same.
_SLACK = 8
# Shares of the tolerance to which what claimed too much is solved again, one after the other.
_TIGHTER = (0.5, 1e-2, 1e-4)


class Verification:
    """A check of the blocks of one problem for a solver, which corrects what does not hold.

    A sample that claims more than its certificate confirms is solved further in float64, to a
    tighter tolerance. One that float32 led above where it began is solved in float64 from there,
    and one that a start led to a stationary point above a code of 0 is solved from 0. What then
    still fails makes no claim. No code is left above its start or a code of 0, in objective.
    """

    def __init__(self, solver, problem):
        self.solver, self.problem = solver, problem

    @cached_property
    def judge(self) -> Judge:
        """The judge of `certify`."""
        problem = self.problem
        return Judge(problem.dictionary.astype(np.float64), problem.penalty, problem.missing)

    def measures(self, X, codes, penalty):
        """Objectives of codes and of codes of 0, and what a tolerance, if there is one, bounds."""
        finite = np.isfinite(codes).all(axis=1)
        if not finite.all():
            codes = np.where(finite[:, None], codes, self.problem.origin)
        if self.solver._claims_certificate and self.solver.tol > 0:
            value, half_squared_norm, measure = self.judge.claim(X, codes, penalty)
        else:
            value, half_squared_norm = self.judge.value(X, codes, penalty)
            measure = np.inf
        return np.where(finite, value, np.inf), half_squared_norm, np.where(finite, measure, np.inf)

    def verify(self, block):
        """Judge a block, in the units of the problem, correct it, and write what was measured."""
        if block.is_proven:
            return
        rows = np.flatnonzero(~block.proven)
        judged = _JudgedRows(self, block, rows)
        if self.solver._claims_certificate and self._correct(judged, block):
            block.codes[rows] = judged.codes
            judged.look(block.codes[rows])
        worse = judged.is_worse
        if worse.any():
            block.codes[rows[worse]] = judged.fallback[worse]
            judged.look(block.codes[rows[worse]], worse)
        self._write(judged, block, worse)

    def _correct(self, judged, block):
        """Solve again what went wrong, as long as that may help; returns whether anything was."""
        is_corrected = False
        # A solver that went up in float64 would do so again, but not from elsewhere.
        is_single = block.codes.dtype == np.float32
        restarts = judged.is_worse & (is_single | (judged.is_claimed & judged.is_far))
        for share in _TIGHTER:
            todo = judged.is_false | restarts
            if not todo.any():
                break
            self._solve_again(judged, block, todo, share)
            is_corrected, restarts = True, False
        return is_corrected

    def _solve_again(self, judged, block, todo, share):
        """Go on in float64 from the codes reached, or from the start where those are worse."""
        rows, restarts = judged.rows[todo], judged.is_worse[todo]
        start = np.where(restarts[:, None], judged.fallback[todo], judged.codes[todo])
        problem = self.problem.only(block.rows, rows, start)
        part = Block.empty(start.copy(), np.empty((len(rows), 2, 0)))
        solver = self.solver._with_tol(share * self.solver.tol)
        solve = solver._solve_observed if problem.missing else solver._solve_any
        solve(problem, solver._prepare_any(problem), part)
        spent = np.where(restarts, 0, block.n_iter[rows]) + part.n_iter
        block.n_iter[rows] = np.minimum(spent, getattr(solver, "max_iter", np.inf))
        block.stop[rows] = part.stop
        judged.is_claimed[todo] = part.stop <= self.solver.tol
        judged.codes[todo] = part.codes
        judged.look(part.codes, todo)

    def _write(self, judged, block, replaced):
        """Write what was measured to the block."""
        rows, known = judged.rows, replaced
        if self.solver._claims_certificate and self.solver.tol > 0:
            known = np.ones_like(replaced)
            # Where no gap judges a code, a solver may ask for more than the residual.
            kept = 0 if self.problem.penalty.convex else np.where(replaced, 0, block.stop[rows])
            block.stop[rows] = np.maximum(judged.measure, kept)
        elif self.solver._claims_certificate:
            block.stop[rows[replaced]] = np.inf
        for s, value in zip(rows[known], judged.value[known], strict=True):
            block.history[s, 0, block.n_iter[s] :] = value
            block.history[s, 1, block.n_iter[s] :] = block.stop[s]


class _JudgedRows:
    """Some rows of a block: their codes in float64, what the judge says, and where they began."""

    def __init__(self, verification, block, rows):
        problem = verification.problem
        self.verification, self.rows = verification, rows
        self.X = problem.samples(block.rows, np.float64)[rows]
        penalty = problem.penalty.for_rows(block.rows, problem.X.shape[0])
        self.penalty = penalty.for_rows(rows, len(block.codes))
        self.codes = block.codes[rows].astype(np.float64, copy=False)
        self.value, half_squared_norm, self.measure = verification.measures(
            self.X, self.codes, self.penalty
        )
        # The better of the start and the origin, and what no objective may exceed.
        self.fallback = np.full_like(self.codes, problem.origin)
        # Mask of the rows that did not begin at their fallback.
        self.is_far = np.zeros(len(rows), dtype=bool)
        limit = half_squared_norm
        if problem.codes is not None:
            start = problem.start_of(block.rows)[rows].astype(np.float64)
            value, _ = verification.judge.value(self.X, start, self.penalty)
            self.fallback[value < half_squared_norm] = start[value < half_squared_norm]
            self.is_far = (start != self.fallback).any(axis=1)
            limit = np.minimum(half_squared_norm, value)
        self.limit = limit + _SLACK * np.finfo(block.codes.dtype).eps * half_squared_norm
        self.is_claimed = (block.stop[rows] <= verification.solver.tol) & (
            verification.solver.tol > 0
        )

    @property
    def is_worse(self):
        """Mask of the rows whose objective is above that of the start or of 0."""
        return ~(self.value <= self.limit)

    @property
    def is_false(self):
        """Mask of the rows that claim more than is true."""
        return self.is_claimed & ~(self.measure <= self.verification.solver.tol)

    def look(self, codes, which=slice(None)):
        """Judge codes of some of the rows."""
        penalty = self.penalty.for_rows(which, len(self.rows))
        value, _, measure = self.verification.measures(
            self.X[which], codes.astype(np.float64), penalty
        )
        self.value[which], self.measure[which] = value, measure
