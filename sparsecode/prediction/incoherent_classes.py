"""Dictionaries of classes that are learned to be incoherent with each other (DLSI)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sparsecode._blas import single_threaded_blas
from sparsecode._interrupts import halt_if_told
from sparsecode._parallel import rows_of_codes
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Exact
from sparsecode.objective import objective
from sparsecode.penalties import L1
from sparsecode.solvers import Solver

# Passes over the atoms of a class in an iteration.
_SWEEPS = 2


@dataclass(frozen=True)
class ClassCodes:
    """Exact codes of samples on the atoms of each class alone.

    Parameters
    ----------
    dictionaries : list of Dictionary
        Atoms of each class.
    penalty : L1
    solver : Solver or None
    """

    dictionaries: list[Dictionary]
    penalty: L1
    solver: Solver | None = None

    def encode(self, X: np.ndarray, *, sparse_output: bool = False, n_jobs: Any = None) -> Any:
        """Codes on the atoms of all classes, those of one class after those of another."""
        parts = [self._on(one, X, n_jobs) for one in self.dictionaries]
        codes = sparse.hstack(parts, format="csr")
        return codes if sparse_output else codes.toarray()

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Sum of the reconstructions by all classes."""
        return Dictionary(np.concatenate([d.atoms for d in self.dictionaries])).decode(codes)

    def costs(self, X: np.ndarray, *, n_jobs: Any = None) -> np.ndarray:
        """Objective of each sample with the code of each class, (n_samples, n_classes)."""
        costs = np.empty((len(X), len(self.dictionaries)))
        step = rows_of_codes(max(d.n_components for d in self.dictionaries))
        for start in range(0, len(X), step):
            x = X[start : start + step]
            for c, one in enumerate(self.dictionaries):
                codes = self._on(one, x, n_jobs)
                costs[start : start + step, c] = objective(x, codes, one, self.penalty)
        return costs

    def _on(self, dictionary, X, n_jobs):
        encoder = Exact(self.penalty, self.solver)
        return encoder.encode(X, dictionary, sparse_output=True, n_jobs=n_jobs)


@dataclass(frozen=True)
class IncoherentClasses:
    """Problem of class dictionaries with a penalty of their coherence.

    Minimises ``sum_c (1/2 ||X_c - A_c D_c||^2 + alpha ||A_c||_1) + incoherence / 2 sum_{b < c}
    ||D_b D_c.T||^2``, divided by the number of samples, over codes and atoms in the unit ball.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    index : ndarray of int of shape (n_samples,)
        Class of each sample.
    spans : list of slice
        Atoms of each class.
    encoder : Exact
    incoherence : float
    n_jobs : int or None
    """

    X: np.ndarray
    index: np.ndarray
    spans: list[slice]
    encoder: Exact
    incoherence: float
    n_jobs: int | None = None

    def learn(self, atoms: np.ndarray, n_epochs: int) -> Iterator[tuple[np.ndarray, float]]:
        """Yield atoms and their objective, at first and after every iteration.

        Codes start from the last ones and are never worse, and neither are atoms after a step, so
        the objective falls.
        """
        atoms = np.array(atoms)
        codes, cost = self._coded(atoms, [None] * len(self.spans))
        yield np.array(atoms), cost
        for _ in range(n_epochs):
            for c, span in enumerate(self.spans):
                X = self.X[self.index == c]
                others = np.delete(atoms, np.arange(span.start, span.stop), axis=0)
                with single_threaded_blas():
                    atoms[span] = improved(atoms[span], X, codes[c], others, self.incoherence)
            codes, cost = self._coded(atoms, codes)
            yield np.array(atoms), cost

    def _coded(self, atoms, last):
        """Codes of the samples of each class, and the objective."""
        codes, cost = [], 0.0
        for c, span in enumerate(self.spans):
            X, dictionary = self.X[self.index == c], Dictionary(atoms[span])
            options = {"codes": last[c], "sparse_output": True, "n_jobs": self.n_jobs}
            codes.append(self.encoder.encode(X, dictionary, **options))
            cost += objective(X, codes[-1], dictionary, self.encoder.penalty).sum()
        with single_threaded_blas():
            cosines = (atoms @ atoms.T).astype(np.float64)
        within = sum(np.sum(cosines[span, span] ** 2) for span in self.spans)
        cost += self.incoherence / 4 * (np.sum(cosines**2) - within)
        return codes, float(cost) / len(self.X)


def improved(
    atoms: np.ndarray,
    X: np.ndarray,
    codes: sparse.csr_array,
    others: np.ndarray,
    incoherence: float,
) -> np.ndarray:
    """Atoms of a class with a lower ``1/2 ||X - codes D||^2 + incoherence / 2 ||D others.T||^2``.

    Projected gradient steps in float64, one atom after the other, whose length is that of the best
    step on a line, or less where the unit ball bends it. An atom that no sample uses does not
    change, unless it is coherent with others.
    """
    D = atoms.astype(np.float64)
    others = others.astype(np.float64, copy=False)
    second = (codes.T @ codes).toarray().astype(np.float64)
    cross = (codes.T @ X).astype(np.float64)
    for _ in range(_SWEEPS):
        halt_if_told()
        for k in range(len(D)):

            def curvature(step, own=second[k, k]):
                length = step @ step
                if length == 0:
                    return 0.0
                return own + incoherence * np.sum((others @ step) ** 2) / length

            gradient = second[k] @ D - cross[k] + incoherence * ((others @ D[k]) @ others)
            D[k] = _descended(D[k], gradient, curvature)
    return D.astype(atoms.dtype)


def _descended(atom, gradient, curvature):
    """Atom after a step in the unit ball that cannot raise a quadratic function."""
    size = curvature(gradient)
    while size > 0:
        found = atom - gradient / size
        found /= max(1.0, float(np.linalg.norm(found)))
        needed = curvature(found - atom)
        if needed <= size * (1 + 1e-9):
            return found
        size = max(2 * size, needed)
    return atom
