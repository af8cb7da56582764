"""The verdict on what a solver made: in float64, before anything is claimed or returned."""

from __future__ import annotations

import copy
from functools import cached_property

import numpy as np

from sparsecode.objective import Judge
from sparsecode.solvers._batch.problem import Block

# Objectives that differ by less, in units of the machine precision times that of a code of 0, are
# the same.
_SLACK = 8
# Shares of the tolerance to which what claimed too much is solved again, one after the other.
_TIGHTER = (0.5, 1e-2, 1e-4)


class Verdict:
    """Judges the blocks of one problem for a solver, and mends what does not hold.

    A sample that claims more than its certificate confirms is solved further in float64, to a
    tighter tolerance; one that float32 led above where it began is solved anew in float64. What
    then still fails makes no claim. No code is left above its start or a code of 0, in objective.
    """

    def __init__(self, solver, problem):
        self.solver, self.problem = solver, problem

    @cached_property
    def judge(self):
        """The one of `certify`."""
        problem = self.problem
        return Judge(problem.dictionary.astype(np.float64), problem.penalty, problem.missing)

    def measures(self, X, codes, penalty):
        """Objectives of codes and of codes of 0, and what a tolerance, if there is one, bounds."""
        finite = np.isfinite(codes).all(axis=1)
        if not finite.all():
            codes = np.where(finite[:, None], codes, 0)
        if self.solver._claims_certificate and self.solver.tol > 0:
            value, energy, measure = self.judge.claim(X, codes, penalty)
        else:
            value, energy = self.judge.value(X, codes, penalty)
            measure = np.inf
        return np.where(finite, value, np.inf), energy, np.where(finite, measure, np.inf)

    def settle(self, block):
        """Judge a block, in the units of the problem, mend it, and write what was measured."""
        rows = np.flatnonzero(~block.proven)
        if rows.size == 0:
            return
        case = _Case(self, block, rows)
        if self.solver._claims_certificate and self._mend(case, block):
            block.codes[rows] = case.codes
            case.look(block.codes[rows])
        worse = case.is_worse
        if worse.any():
            block.codes[rows[worse]] = case.fallback[worse]
            case.look(block.codes[rows[worse]], worse)
        self._write(case, block, worse)

    def _mend(self, case, block):
        """Solve again what went wrong, as long as that may help; returns whether anything was."""
        is_mended = False
        # A solver that went up in float64 would do so again.
        anew = case.is_worse & (block.codes.dtype == np.float32)
        for share in _TIGHTER:
            todo = case.is_false | anew
            if not todo.any():
                break
            self._solve_again(case, block, todo, share)
            is_mended, anew = True, False
        return is_mended

    def _solve_again(self, case, block, todo, share):
        """Go on in float64 from the codes reached, or anew where those are worse than the start."""
        rows, anew = case.rows[todo], case.is_worse[todo]
        start = np.where(anew[:, None], case.fallback[todo], case.codes[todo])
        problem = self.problem.only(block.rows, rows, start)
        part = Block(
            slice(0, len(rows)),
            start.copy(),
            np.zeros(len(rows), dtype=np.int64),
            np.full(len(rows), np.inf),
            np.empty((len(rows), 2, 0)),
            np.zeros(len(rows), dtype=bool),
        )
        solver = copy.copy(self.solver)
        solver.tol = share * self.solver.tol
        solve = solver._solve_observed if problem.missing else solver._solve_any
        solve(problem, solver._prepare_any(problem), part)
        spent = np.where(anew, 0, block.n_iter[rows]) + part.n_iter
        block.n_iter[rows] = np.minimum(spent, getattr(solver, "max_iter", np.inf))
        block.stop[rows] = part.stop
        case.is_claimed[todo] = part.stop <= self.solver.tol
        case.codes[todo] = part.codes
        case.look(part.codes, todo)

    def _write(self, case, block, replaced):
        """Write what was measured to the block."""
        rows, known = case.rows, replaced
        if self.solver._claims_certificate and self.solver.tol > 0:
            known = np.ones_like(replaced)
            # Where no gap judges a code, a solver may ask for more than the residual.
            kept = 0 if self.problem.penalty.convex else np.where(replaced, 0, block.stop[rows])
            block.stop[rows] = np.maximum(case.measure, kept)
        elif self.solver._claims_certificate:
            block.stop[rows[replaced]] = np.inf
        for s, value in zip(rows[known], case.value[known], strict=True):
            block.history[s, 0, block.n_iter[s] :] = value
            block.history[s, 1, block.n_iter[s] :] = block.stop[s]


class _Case:
    """Some rows of a block: their codes in float64, what the judge says, and where they began."""

    def __init__(self, verdict, block, rows):
        problem = verdict.problem
        self.verdict, self.rows = verdict, rows
        self.X = problem.samples(block.rows, np.float64)[rows]
        penalty = problem.penalty.for_rows(block.rows, problem.X.shape[0])
        self.penalty = penalty.for_rows(rows, len(block.codes))
        self.codes = block.codes[rows].astype(np.float64, copy=False)
        self.value, energy, self.measure = verdict.measures(self.X, self.codes, self.penalty)
        # The better of the start and 0, and what no objective may exceed.
        self.fallback = np.zeros_like(self.codes)
        limit = energy
        if problem.codes is not None:
            start = problem.start_of(block.rows)[rows].astype(np.float64)
            value, _ = verdict.judge.value(self.X, start, self.penalty)
            self.fallback[value < energy] = start[value < energy]
            limit = np.minimum(energy, value)
        self.limit = limit + _SLACK * np.finfo(block.codes.dtype).eps * energy
        self.is_claimed = (block.stop[rows] <= verdict.solver.tol) & (verdict.solver.tol > 0)

    @property
    def is_worse(self):
        """Where the objective is above that of the start or of 0."""
        return ~(self.value <= self.limit)

    @property
    def is_false(self):
        """Where more is claimed than is true."""
        return self.is_claimed & ~(self.measure <= self.verdict.solver.tol)

    def look(self, codes, which=slice(None)):
        """Judge codes of some of the rows."""
        own = self.penalty.for_rows(which, len(self.rows))
        value, _, measure = self.verdict.measures(self.X[which], codes.astype(np.float64), own)
        self.value[which], self.measure[which] = value, measure
