"""References for encoders: the optimum, and the convergence of FISTA to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import dense_rows
from sparsecode.solvers import FISTA, choose_solver

# Number of samples whose history is kept at a time.
_BLOCK_SIZE = 128


class Reference:
    """The optimum of a batch and the run of FISTA from zero, in float64.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_components)
    certificate : Certificate
        Of these codes, which the default solver of the penalty finds.
    curve : ndarray of shape (n_records,)
        Mean objective of FISTA at zero and after each iteration.
    n_iter : ndarray of shape (n_samples,)
        Iterations in which FISTA reaches `tol` from zero.
    """

    def __init__(self, X, dictionary, penalty, *, tol, n_jobs, missing=False):
        self.X, self.dictionary, self.penalty = X, dictionary.astype(np.float64), penalty
        self.tol, self.n_jobs, self.missing = tol, n_jobs, missing
        self.codes, self.certificate = self._solve()
        self.n_iter, self.curve = self._run(None)

    @property
    def optimum(self) -> float:
        """Mean objective of the optimum."""
        return float(self.certificate.objective.mean())

    @property
    def half_squared_norm(self) -> float:
        """Mean of ``1/2 ||x - offset||^2``, the unit of relative gaps."""
        return float(self.certificate.half_squared_norm.mean())

    def n_iter_from(self, codes):
        """Iterations in which FISTA reaches `tol` from given codes, shape (n_samples,)."""
        return self._run(codes)[0]

    def n_iter_to(self, objective):
        """Iterations that FISTA needs for this mean objective, up to `tol`, or infinity."""
        there = np.flatnonzero(self.curve <= objective + self.tol * self.half_squared_norm)
        return float(there[0]) if there.size else np.inf

    def _solve(self):
        solver = replace(choose_solver(self.penalty), tol=self.tol)
        result = solver.solve(
            self.X, self.dictionary, self.penalty, missing=self.missing, n_jobs=self.n_jobs
        )
        return result.codes, result.certificate

    def _run(self, codes):
        solver = FISTA(tol=self.tol)

        def block(rows):
            start = None if codes is None else dense_rows(codes, rows, np.float64)
            result = solver.solve(
                self.X[rows],
                self.dictionary,
                self.penalty,
                codes=start,
                missing=self.missing,
                n_jobs=1,
                record=True,
            )
            # FISTA checks convergence every few iterations only; the history has the exact
            # iteration.
            reached = result.history["stop"] <= self.tol
            n_iter = np.where(reached.any(axis=0), reached.argmax(axis=0), result.n_iter)
            return n_iter, result.history["objective"].sum(axis=1)

        parts = map_row_blocks(block, len(self.X), block_size=_BLOCK_SIZE, n_jobs=self.n_jobs)
        n_iter, curves = zip(*parts, strict=True)
        return np.concatenate(n_iter), mean_curve(curves, len(self.X))


def mean_curve(curves, n_samples):
    """Mean of sums of objectives, which stay where they end."""
    longest = max(map(len, curves))
    total = sum(np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves)
    return total / n_samples
