"""Dictionary pairs of classes: synthesis atoms, and analysis atoms that give linear codes (DPL)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import linalg

from sparsecode._blas import single_threaded_blas
from sparsecode.constraints import UnitBall
from sparsecode.dictionary import Dictionary
from sparsecode.updates import BlockUpdate

# Passes over the synthesis atoms in an iteration.
_SWEEPS = 5


class Pairs(NamedTuple):
    """Synthesis and analysis atoms of all classes, shapes (n_components, n_features)."""

    synthesis: np.ndarray
    analysis: np.ndarray


@dataclass(frozen=True)
class PairProblem:
    """Problem of projective dictionary pair learning, with codes that are nearly linear.

    Minimises the sum over classes ``c`` of ``||X_c - A_c D_c||^2 + coding ||A_c - X_c P_c.T||^2 +
    others ||X_other P_c.T||^2 + ridge ||P_c||^2``, divided by the number of samples, over codes
    ``A_c``, synthesis atoms ``D_c`` in the unit ball and analysis atoms ``P_c``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    index : ndarray of int of shape (n_samples,)
        Class of each sample.
    spans : list of slice
        Atoms of each class.
    coding, others, ridge : float
    """

    X: np.ndarray
    index: np.ndarray
    spans: list[slice]
    coding: float
    others: float
    ridge: float

    def learn(self, atoms: np.ndarray, n_epochs: int) -> Iterator[tuple[Pairs, float]]:
        """Yield pairs and their objective, at first and after every iteration.

        Both kinds of atoms start from `atoms`. Each step minimises over one of the three; that of
        the synthesis atoms is a few passes of block coordinate descent. So the objective falls.
        """
        with single_threaded_blas():
            second = _second_moment(self.X)
            parts = [self._start(c, atoms[span], second) for c, span in enumerate(self.spans)]
            found = self._pairs(parts)
        yield found
        for _ in range(n_epochs):
            with single_threaded_blas():
                for part in parts:
                    part.improve(self)
                found = self._pairs(parts)
            yield found

    def _start(self, c, atoms, second):
        X = self.X[self.index == c]
        mine = _second_moment(X)
        gram = self.coding * mine + self.others * (second - mine)
        gram[np.diag_indices_from(gram)] += self.ridge
        factor = linalg.cho_factor(gram, check_finite=False)
        to_analysis = self.coding * linalg.cho_solve(factor, X.T.astype(np.float64))
        dictionary = Dictionary(atoms, constraint=UnitBall())
        part = _Class(X, dictionary, np.array(atoms), to_analysis.T)
        part.code(self)
        return part

    def _pairs(self, parts):
        pairs = Pairs(
            np.concatenate([part.dictionary.atoms for part in parts]),
            np.concatenate([part.analysis for part in parts]),
        )
        return pairs, sum(part.cost(self) for part in parts) / len(self.X)


@dataclass
class _Class:
    """Samples, codes and pairs of one class."""

    X: np.ndarray
    dictionary: Dictionary
    analysis: np.ndarray
    # Map from codes, transposed, to analysis atoms; it does not change.
    to_analysis: np.ndarray
    codes: np.ndarray | None = None

    def improve(self, problem):
        """Take one step in each: analysis atoms, synthesis atoms and codes."""
        self.analysis = (self.codes.T @ self.to_analysis).astype(self.X.dtype)
        update = BlockUpdate(n_sweeps=_SWEEPS)
        stats = update.init(self.dictionary)
        self.dictionary, _ = update.update(self.X, self.codes, self.dictionary, stats)
        self.code(problem)

    def code(self, problem):
        """Set the codes that are best for these pairs."""
        atoms = self.dictionary.atoms
        gram = atoms @ atoms.T
        gram[np.diag_indices_from(gram)] += problem.coding
        right = self.X @ atoms.T + problem.coding * (self.X @ self.analysis.T)
        self.codes = linalg.solve(gram, right.T, assume_a="pos").T

    def cost(self, problem):
        """Terms of the objective of this class, in float64."""
        linear = self.X @ self.analysis.T
        others = _square(problem.X @ self.analysis.T) - _square(linear)
        return (
            _square(self.X - self.codes @ self.dictionary.atoms)
            + problem.coding * _square(self.codes - linear)
            + problem.others * others
            + problem.ridge * _square(self.analysis)
        )


def _second_moment(X):
    """``X.T @ X`` in float64, where a difference of two stays positive."""
    X = X.astype(np.float64, copy=False)
    return X.T @ X


def _square(array):
    return float(np.einsum("ij,ij->", array, array, dtype=np.float64))
