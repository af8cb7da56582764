"""SPAMS, from the package spams-bin: homotopy for the lasso, and its `omp`, which is OLS."""

from __future__ import annotations

import numpy as np

from benchmark_utils.problems import Greedy

from .base import Coder


class _Spams(Coder):
    package, module = "spams-bin", "spams"

    def prepare(self, problem, threads=1):
        import spams

        self.spams, self.problem, self.threads = spams, problem, threads
        # It wants samples and atoms as columns, in Fortran order.
        self.X = np.asfortranarray(problem.X.T.astype(self.dtype))
        self.D = np.asfortranarray(problem.dictionary.atoms.T.astype(self.dtype))


class SpamsLasso(_Spams):
    """``spams.lasso``; it is exact, so there is nothing to tune.

    Parameters
    ----------
    dtype : str, default="float64"
    gram : bool, default=True
        Whether it is given the Gram matrix, as other coders are; otherwise every call computes it.
    """

    def __init__(self, dtype="float64", gram=True):
        self.dtype = dtype
        self.gram = gram

    @property
    def label(self):
        return "SPAMS lasso" if self.gram else "SPAMS lasso, computing Gram"

    def prepare(self, problem, threads=1):
        super().prepare(problem, threads)
        # Given a Gram matrix it ignores lambda2, which is the same as a larger diagonal.
        ridge = problem.l2 * np.eye(len(problem.dictionary.atoms), dtype=self.dtype)
        self.Q = np.asfortranarray(self.D.T @ self.D + ridge)

    def run(self):
        problem = self.problem
        if self.gram:
            # In Fortran order already, as it is the transpose of a product of rows.
            given = {"Q": self.Q, "q": (self.X.T @ self.D).T}
        else:
            given = {"D": self.D, "lambda2": problem.l2}
        self.codes = self.spams.lasso(
            self.X, lambda1=problem.l1, pos=problem.positive, numThreads=self.threads, **given
        ).T


class SpamsOMP(_Spams):
    """``spams.omp``; it computes the Gram matrix itself.

    Parameters
    ----------
    dtype : str, default="float64"
    """

    kind = Greedy
    family = "OLS"
    label = "SPAMS omp (OLS)"

    def __init__(self, dtype="float64"):
        self.dtype = dtype

    def run(self):
        # Left out, eps is not set: in float32 some samples then got no atom at all.
        most = self.problem.n_nonzero or min(self.D.shape)
        self.codes = self.spams.omp(
            self.X, D=self.D, L=most, eps=self.problem.error, numThreads=self.threads
        ).T
