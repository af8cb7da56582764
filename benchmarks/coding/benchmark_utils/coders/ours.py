"""The solvers of sparsecode."""

from __future__ import annotations

import inspect

import numpy as np

from benchmark_utils.problems import Greedy
from sparsecode import penalties, solvers

from .base import Coder


def sparse_output(function):
    """The option for sparse codes, where `function` has it: SPAMS fills in no zeros either."""
    has_it = "sparse_output" in inspect.signature(function).parameters
    return {"sparse_output": True} if has_it else {}


class Ours(Coder):
    """A solver of `sparsecode.solvers`.

    Parameters
    ----------
    solver : str, default="FeatureSign"
    dtype : str, default="float64"
    tol : float or None, default=1e-6
        None is the default of the solver, which depends on the dtype.
    """

    def __init__(self, solver="FeatureSign", dtype="float64", tol=1e-6):
        self.solver = solver
        self.dtype = dtype
        self.tol = tol
        self.gap = np.inf if tol is None else tol

    @property
    def label(self):
        tol = "default" if self.tol is None else f"{self.tol:.0e}"
        return f"sparsecode {self.solver}, tol {tol}"

    def absent(self):
        """What this version of sparsecode lacks, or None."""
        if not hasattr(solvers, self.solver):
            return f"this version of sparsecode has no solver {self.solver}"
        return None

    def unavailable(self, problem):
        reason = super().unavailable(problem) or self.absent()
        if reason is None:
            try:
                self._make().check_penalty(self._penalty(problem))
            except TypeError as error:
                return str(error)
        return reason

    def prepare(self, problem, threads=1):
        self.threads = threads
        self.X = problem.X.astype(self.dtype)
        self.dictionary = problem.dictionary.astype(self.dtype)
        self.dictionary.gram, self.dictionary.lipschitz  # noqa: B018  cached properties
        self.penalty = self._penalty(problem)
        self.made = self._make()
        self.options = sparse_output(self.made.solve)

    def run(self):
        self.codes = self.made.solve(
            self.X, self.dictionary, self.penalty, n_jobs=self.threads, **self.options
        ).codes

    def _make(self):
        return getattr(solvers, self.solver)(tol=self.tol)

    def _penalty(self, problem):
        return problem.penalty


class OursGreedy(Ours):
    """A greedy solver of `sparsecode.solvers`: OMP or OLS.

    Parameters
    ----------
    solver : str, default="OMP"
    dtype : str, default="float64"
    """

    kind = Greedy

    def __init__(self, solver="OMP", dtype="float64"):
        super().__init__(solver, dtype)
        self.family = solver

    @property
    def label(self):
        return f"sparsecode {self.solver}"

    def absent(self):
        if not hasattr(penalties, "KSparse"):
            return "this version of sparsecode has no penalty KSparse"
        return super().absent()

    def _make(self):
        return getattr(solvers, self.solver)()

    def _penalty(self, problem):
        return penalties.KSparse(n_nonzero=problem.n_nonzero, error=problem.error)
