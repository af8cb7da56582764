"""Weighted l1 and elastic-net problems in the form of a plain lasso."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode.penalties import ElasticNet


class Lasso(NamedTuple):
    """A weighted l1 or elastic-net problem as a plain lasso.

    Atoms are divided by their weights, and the ridge lies on the diagonal of the Gram matrix.
    """

    atoms: np.ndarray
    gram: np.ndarray
    weights: np.ndarray | None
    alpha: float
    positive: bool

    @classmethod
    def of(cls, problem, dtype):
        penalty, dictionary = problem.penalty, problem.dictionary.astype(dtype)
        n = dictionary.n_components
        if isinstance(penalty, ElasticNet):
            gram = dictionary.gram + dtype(penalty.alpha * (1 - penalty.l1_ratio)) * np.eye(
                n, dtype=dtype
            )
            alpha = penalty.alpha * penalty.l1_ratio
            return cls(dictionary.atoms, gram, None, alpha, bool(penalty.positive))
        if penalty.weights is None:
            alpha = float(penalty.alpha)
            return cls(dictionary.atoms, dictionary.gram, None, alpha, bool(penalty.positive))
        weights = penalty.thresholds(n)
        atoms = dictionary.atoms.astype(np.float64) / weights[:, None]
        gram = (atoms @ atoms.T).astype(dtype)
        return cls(atoms.astype(dtype), gram, weights, 1.0, bool(penalty.positive))

    def from_codes(self, codes):
        """Codes of the original problem as those of the lasso; themselves if they are the same."""
        if self.weights is None:
            return codes.astype(self.atoms.dtype, copy=False)
        finite = np.where(np.isinf(self.weights), 0, self.weights)
        return (codes * finite).astype(self.atoms.dtype)

    def to_codes(self, codes):
        return codes if self.weights is None else (codes / self.weights).astype(codes.dtype)
