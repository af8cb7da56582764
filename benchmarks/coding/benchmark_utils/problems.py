"""Coding problems: samples, a dictionary, what is asked of the codes, and the judge of them.

Samples and atoms are rounded to float32 once, so that solvers of either type are given exactly
the same problem, which is judged in float64.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from sparsecode import Dictionary, certify
from sparsecode.penalties import L1, ElasticNet


@dataclass(frozen=True)
class Problem:
    """Samples in float64 and the dictionary to code them with.

    Attributes
    ----------
    name : str
    X : ndarray of shape (n_samples, n_features)
    dictionary : Dictionary
    """

    name: str
    X: np.ndarray
    dictionary: Dictionary

    def head(self, n_samples):
        """The same problem for the first samples only."""
        return self.rows(0, n_samples)

    def rows(self, start, stop):
        """The same problem for the samples from `start` on, before `stop`."""
        return replace(self, X=self.X[start:stop])


@dataclass(frozen=True)
class Lasso(Problem):
    """``1/2 ||x - z @ atoms||^2 + l1 ||z||_1 + l2 / 2 ||z||^2``, or with ``z >= 0``."""

    l1: float
    l2: float = 0.0
    positive: bool = False

    @property
    def penalty(self):
        """The penalty in terms of sparsecode."""
        if self.l2 == 0:
            return L1(self.l1, positive=self.positive)
        alpha = self.l1 + self.l2
        return ElasticNet(alpha, self.l1 / alpha, self.positive)

    def judge(self, codes):
        """Certified quality of codes of the first samples.

        Parameters
        ----------
        codes : ndarray or sparse matrix of shape (n_samples, n_components)

        Returns
        -------
        figures : dict of str to float
        """
        codes = dense(codes)
        found = certify(self.X[: len(codes)], codes, self.dictionary, self.penalty)
        gap = found.relative_gap
        return {
            "value": float(gap.max()),
            "worst_gap": float(gap.max()),
            "mean_gap": float(gap.mean()),
            "nonzeros": float((codes != 0).sum(axis=1).mean()),
            "objective": float(found.objective.mean()),
        }


@dataclass(frozen=True)
class Greedy(Problem):
    """At most `n_nonzero` atoms a sample, or as many as bring the squared error to `error`."""

    n_nonzero: int | None = None
    error: float = 0.0

    def judge(self, codes):
        """Squared errors and numbers of atoms, as `Lasso.judge`."""
        codes = dense(codes).astype(np.float64)
        X = self.X[: len(codes)]
        errors = ((X - codes @ self.dictionary.atoms) ** 2).sum(axis=1)
        atoms = (codes != 0).sum(axis=1)
        return {
            "value": float(errors.mean()),
            "worst_error": float(errors.max()),
            "mean_error": float(errors.mean()),
            "most_atoms": int(atoms.max()),
            "mean_atoms": float(atoms.mean()),
        }


def dense(codes):
    """Codes as an array, whatever the solver returned."""
    return codes.toarray() if sparse.issparse(codes) else np.asarray(codes)


def same_support(codes, others):
    """Share of the samples, of those that both coded, whose nonzeros are the same atoms."""
    n_samples = min(codes.shape[0], others.shape[0])
    equal = (dense(codes[:n_samples]) != 0) == (dense(others[:n_samples]) != 0)
    return float(equal.all(axis=1).mean())
