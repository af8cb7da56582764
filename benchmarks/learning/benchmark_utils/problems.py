"""The learning problem: patches to learn from, others to be judged on, where to start."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sparsecode import Dictionary, certify
from sparsecode.constraints import UnitBall
from sparsecode.penalties import L1
from sparsecode.solvers import FeatureSign

_GAP = 1e-6
# Of atoms learned in float32, above the unit ball.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class Learning:
    """Atoms in the unit ball that minimise the mean of ``1/2 ||x - z @ atoms||^2 + alpha ||z||_1``.

    Attributes
    ----------
    name : str
    X : ndarray of float32 of shape (n_samples, n_features)
        To learn from, in random order.
    held_out : ndarray of float64 of shape (n_held_out, n_features)
        Of another photograph.
    n_components : int
    alpha : float
    seed : int
        Which samples the start is.
    """

    name: str
    X: np.ndarray
    held_out: np.ndarray
    n_components: int
    alpha: float
    seed: int = 0

    @property
    def start(self):
        """The atoms to start from, samples of unit norm, in float64."""
        return Dictionary.from_samples(
            self.X.astype(np.float64), self.n_components, random_state=self.seed
        ).atoms

    def started(self, seed):
        """The same problem from another start."""
        return replace(self, seed=seed)

    def judge(self, atoms, threads=1):
        """Mean objective of the held-out patches with exact codes, in float64.

        Parameters
        ----------
        atoms : ndarray of shape (n_components, n_features)
            In the unit ball.

        Returns
        -------
        figures : dict of str to float

        Raises
        ------
        ValueError
            If an atom is outside of the unit ball.
        """
        return _judge(self.held_out, atoms, self.alpha, threads)

    def n_nonzero(self, atoms, n_samples=1024):
        """Mean number of nonzeros of exact codes of the first training patches."""
        X = self.X[:n_samples].astype(np.float64)
        return _judge(X, atoms, self.alpha, 1)["nonzeros"]


def _judge(X, atoms, alpha, threads):
    atoms = np.asarray(atoms, dtype=np.float64)
    longest = np.linalg.norm(atoms, axis=1).max()
    if not longest <= 1 + _ROUNDING:
        raise ValueError(f"an atom has norm {longest:.6g}, expected at most 1")
    dictionary = Dictionary(atoms, constraint=UnitBall())
    penalty = L1(alpha)
    codes = FeatureSign(tol=_GAP).solve(
        X, dictionary, penalty, n_jobs=threads, sparse_output=True
    ).codes  # fmt: skip
    found = certify(X, codes, dictionary, penalty)
    return {
        "value": float(found.objective.mean()),
        "worst_gap": float(found.relative_gap.max()),
        "nonzeros": codes.nnz / len(X),
    }
