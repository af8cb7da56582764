"""What every coder is, and how those with a tolerance of their own find the right one."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from benchmark_utils.common import missing
from benchmark_utils.problems import Lasso

# As many as the table times of such coders, so that each of those reaches the gap.
_N_TUNED = 300


class Coder(ABC):
    """A solver with its options, on one problem at a time.

    `prepare` is not timed: layout, type, and the Gram matrix, which every coder that can use one
    is given; nor is `tune`. `run` is timed, and leaves the codes, dense or sparse, whatever the
    solver returns, in `codes`.

    Attributes
    ----------
    label : str
    dtype : str
    threads : int
        How many it uses, of those that it was allowed.
    gap : float
        Certified relative gap that is asked of every sample; infinite if it cannot be asked for.
    codes : ndarray or sparse matrix of shape (n_samples, n_components), or None
    few : bool
        Whether it is so slow that it is timed on few samples.
    """

    kind = Lasso
    package = module = None
    dtype = "float64"
    few = False
    gap = np.inf
    threads = 1
    codes = None

    def unavailable(self, problem):
        """Why this coder cannot code the problem, or None."""
        if not isinstance(problem, self.kind):
            return f"solves {self.kind.__name__} problems, not {type(problem).__name__}"
        return missing(self.module, self.package) if self.module else None

    @abstractmethod
    def prepare(self, problem, threads=1):
        """Get ready to code `problem` with at most `threads` threads."""

    def tune(self):  # noqa: B027 - nothing is to be chosen for most coders
        """Choose what is to be chosen for this problem, if anything is."""

    @abstractmethod
    def run(self):
        """Code all samples."""


class Tuned(Coder):
    """A coder whose own tolerance is chosen so that every sample reaches a certified gap.

    Subclasses define `settings`, from loose to tight.

    Parameters
    ----------
    gap : float, default=1e-6
        Relative duality gap that is asked for.
    """

    few = True
    settings = ()

    def __init__(self, gap=1e-6):
        self.gap = gap

    def prepare(self, problem, threads=1):
        self.problem = problem
        self.setting = self.settings[0]
        self.setup(problem)

    def tune(self):
        problem = self.problem.head(_N_TUNED)
        # Where none reaches the gap it is the tightest: the figures say how far that came.
        for setting in self.settings:
            self.setting = setting
            if problem.judge(self._encode(problem.X))["worst_gap"] <= self.gap:
                break

    def run(self):
        self.codes = self._encode(self.problem.X)

    @abstractmethod
    def setup(self, problem):
        """Get ready for `encode`."""

    @abstractmethod
    def encode(self, X, setting):
        """Codes of `X` with one of `settings`."""

    def _encode(self, X):
        with warnings.catch_warnings():
            # Whether it converged is for the certificate to say.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return self.encode(X, self.setting)


def one_by_one(fit, X):
    """Codes of the rows of `X` by an estimator that takes one target at a time."""
    return np.array([fit(row).coef_ for row in X])
