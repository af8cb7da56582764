"""The lasso in its plain form: without weights and ridge."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from sparsecode._aligned import aligned
from sparsecode._atom_products import read_only
from sparsecode._binary_scaling import scaled
from sparsecode._parallel import scratch
from sparsecode.dictionary import Dictionary
from sparsecode.penalties import ElasticNet

# Share of the usual weight of an atom; such a weight changes nothing that float32 could hold.
_NEXT_TO_FREE = 2.0**-40


class LassoTask(NamedTuple):
    """Samples of a block in the Gram domain, as in `Task`, and the penalty of a plain lasso."""

    corr: np.ndarray
    half_squared_norm: np.ndarray
    gram: np.ndarray
    alpha: float
    positive: bool


@dataclass
class Lasso:
    """A weighted l1 or elastic-net problem as a plain lasso.

    Atoms are divided by their weights, and `ridge` lies on the diagonal of the Gram matrix.
    """

    # A dictionary, or a weak reference to that of the problem.
    held: Any
    weights: np.ndarray | None
    alpha: float
    ridge: float
    positive: bool

    @classmethod
    def of(cls, problem, dtype):
        penalty, dictionary = problem.penalty, problem.dictionary.astype(dtype)
        if dictionary is problem.dictionary:
            # It may keep this form: a cycle would outlive thousands of dictionaries.
            dictionary = weakref.ref(dictionary)
        positive = bool(penalty.positive)
        if isinstance(penalty, ElasticNet):
            alpha, ridge = penalty.alpha * penalty.l1_ratio, penalty.alpha * (1 - penalty.l1_ratio)
            return cls(dictionary, None, float(alpha), float(ridge), positive)
        if penalty.weights is None:
            return cls(dictionary, None, float(penalty.alpha), 0.0, positive)
        weights = penalty.thresholds(problem.dictionary.n_components)
        # By a power of two near the usual weight, so that the atoms keep their size.
        usual = weights[np.isfinite(weights)]
        exponent = int(np.frexp(np.median(usual))[1]) if usual.size else 0
        weights = scaled(weights, -exponent)
        atoms = problem.dictionary.atoms.astype(np.float64) / weights[:, None]
        return cls(Dictionary(atoms.astype(dtype)), weights, 2.0**exponent, 0.0, positive)

    @property
    def dictionary(self) -> Dictionary:
        """Atoms of the lasso: those of the problem, or these in another dtype or divided."""
        return self.held() if isinstance(self.held, weakref.ref) else self.held

    @property
    def atoms(self) -> Any:
        return self.dictionary.atoms

    @cached_property
    def rank(self) -> int:
        """Most atoms that can be linearly independent; a ridge makes all of them so."""
        return len(self.atoms) if self.ridge > 0 else min(self.atoms.shape)

    @cached_property
    def largest_norm(self) -> float:
        """Norm of the longest atom, on whose square the ridge lies."""
        return float(np.sqrt(self.dictionary._largest_norm**2 + self.ridge))

    @cached_property
    def gram(self) -> np.ndarray:
        gram = self.dictionary.gram
        if self.ridge == 0:
            return gram
        # Read-only as the other is: kernels are compiled for one or the other.
        raised = aligned(gram)
        raised[np.diag_indices(len(gram))] += gram.dtype.type(self.ridge)
        return read_only(raised)

    def task(self, X):
        """A block of samples, for kernels."""
        return LassoTask(
            self.dictionary._correlate(X, scratch((len(X), len(self.atoms)), X.dtype)),
            np.einsum("ij,ij->i", X, X, dtype=np.float64) / 2,
            self.gram,
            self.alpha,
            self.positive,
        )

    def from_codes(self, codes):
        """Codes of the original problem as those of the lasso; themselves if they are the same."""
        if self.weights is None:
            return codes
        finite = np.where(np.isinf(self.weights), 0, self.weights)
        return (codes * finite).astype(codes.dtype)

    def to_codes(self, codes):
        return codes if self.weights is None else (codes / self.weights).astype(codes.dtype)


def has_free_atoms(penalty):
    """Return whether some atom has no l1 term, or next to none.

    Divided by such a weight, the squares of an atom would leave the range of floats.
    """
    l1 = penalty.alpha * getattr(penalty, "l1_ratio", 1)
    weights = getattr(penalty, "weights", None)
    if l1 == 0 or weights is None:
        return l1 == 0
    weights = np.asarray(weights, dtype=np.float64)
    usual = weights[np.isfinite(weights)]
    return usual.size > 0 and bool(usual.min() <= _NEXT_TO_FREE * np.median(usual))
