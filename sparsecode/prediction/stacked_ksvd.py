"""K-SVD over features, label-consistent targets and labels that are stacked (D-KSVD, LC-KSVD)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from sparsecode.constraints import UnitNorm
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Exact
from sparsecode.learning import alternate
from sparsecode.penalties import KSparse
from sparsecode.updates import KSVD, Update

# Passes of K-SVD over the samples of each class that make its first atoms.
_FIRST_EPOCHS = 5


class LinearMaps(NamedTuple):
    """Atoms of norm 1, and what their coefficients predict.

    Attributes
    ----------
    atoms : ndarray of shape (n_components, n_features)
    consistency : ndarray of shape (n_components, n_components) or None
        Map from codes to label-consistent targets.
    labels : ndarray of shape (n_components, n_classes) or None
        Map from codes to labels.
    """

    atoms: np.ndarray
    consistency: np.ndarray | None
    labels: np.ndarray | None


@dataclass(frozen=True)
class Stack:
    """Problem ``min 1/2 ||X - Z D||^2 + a/2 ||Q - Z A||^2 + b/2 ||H - Z W||^2``, `k`-sparse rows.

    ``H`` has a 1 for the class of each sample, and ``Q`` ones for the atoms of its class. It is one
    problem of dictionary learning for ``[X, sqrt(a) Q, sqrt(b) H]``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    index : ndarray of int of shape (n_samples,)
        Class of each sample.
    atom_classes : ndarray of int of shape (n_components,)
    consistency_weight, label_weight : float
        Weights ``a`` and ``b``; 0 leaves a block out.
    n_nonzero : int
    ridge : float
        Weight of the squared norm of the first maps, and of the map of labels without a block.
    n_jobs : int or None
    """

    X: np.ndarray
    index: np.ndarray
    atom_classes: np.ndarray
    consistency_weight: float
    label_weight: float
    n_nonzero: int
    ridge: float
    n_jobs: int | None = None

    @property
    def labels(self) -> np.ndarray:
        """``H``, shape (n_samples, n_classes)."""
        return np.eye(self.index.max() + 1, dtype=self.X.dtype)[self.index]

    @property
    def targets(self) -> np.ndarray:
        """``Q``, shape (n_samples, n_components)."""
        return (self.index[:, None] == self.atom_classes).astype(self.X.dtype)

    def features(self) -> np.ndarray:
        """Stacked features of the samples."""
        return self._joined(self.X, self.targets, self.labels)

    def start(self, atoms: np.ndarray) -> Dictionary:
        """First stacked atoms: given ones, and the ridge maps of their codes, scaled to norm 1."""
        codes = self.encoder.encode(
            self.X, Dictionary(atoms), sparse_output=True, n_jobs=self.n_jobs
        )
        maps = [ridge_map(codes, block, self.ridge) for block in (self.targets, self.labels)]
        return Dictionary(self._joined(atoms, *maps), constraint=UnitNorm())

    def learn(
        self, dictionary: Dictionary, update: Update, n_epochs: int
    ) -> Iterator[tuple[Dictionary, float]]:
        """Yield stacked atoms and their mean objective, at first and after every iteration."""
        batches = [self.features()] * (n_epochs + 1)
        options = {"update": update, "full_batch": True, "n_jobs": self.n_jobs}
        for state in alternate(self.encoder, dictionary, batches, **options):
            yield dictionary, state.objective
            dictionary = state.dictionary

    def unstacked(self, dictionary: Dictionary) -> LinearMaps:
        """Take stacked atoms apart; atoms have norm 1 again, and maps are scaled with them."""
        blocks = iter(np.split(dictionary.atoms, self._ends, axis=1))
        atoms = next(blocks)
        norms = np.linalg.norm(atoms, axis=1, keepdims=True)
        # An atom of labels only has no features that a sample could find it by.
        scale = np.where(norms > 0, 1 / np.where(norms > 0, norms, 1), 0).astype(atoms.dtype)
        maps = [
            scale * next(blocks) / np.asarray(np.sqrt(weight), atoms.dtype) if weight > 0 else None
            for weight in (self.consistency_weight, self.label_weight)
        ]
        return LinearMaps(scale * atoms, *maps)

    def fitted_labels(self, atoms: np.ndarray) -> np.ndarray:
        """Ridge map from codes on these atoms to labels, shape (n_components, n_classes)."""
        codes = self.encoder.encode(
            self.X, Dictionary(atoms), sparse_output=True, n_jobs=self.n_jobs
        )
        return ridge_map(codes, self.labels, self.ridge)

    @property
    def encoder(self) -> Exact:
        """Encoder by orthogonal matching pursuit."""
        return Exact(KSparse(self.n_nonzero))

    def _joined(self, first, consistency, labels):
        pairs = (self.consistency_weight, consistency), (self.label_weight, labels)
        blocks = [np.asarray(np.sqrt(w), first.dtype) * b for w, b in pairs if w > 0]
        return np.concatenate([first, *blocks], axis=1)

    @property
    def _ends(self):
        widths = [self.X.shape[1]]
        widths += [len(self.atom_classes)] * (self.consistency_weight > 0)
        return np.cumsum(widths)


def first_atoms(
    X: np.ndarray,
    index: np.ndarray,
    dictionary: Dictionary,
    atom_classes: np.ndarray,
    n_nonzero: int,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Improve the atoms of each class by a few passes of K-SVD over its samples alone."""
    atoms = np.array(dictionary.atoms)
    for c in range(index.max() + 1):
        mine = np.flatnonzero(atom_classes == c)
        start = Dictionary(atoms[mine], constraint=UnitNorm())
        encoder = Exact(KSparse(min(n_nonzero, len(mine))))
        batches = [X[index == c]] * _FIRST_EPOCHS
        options = {"update": KSVD(), "full_batch": True, "n_jobs": n_jobs}
        for state in alternate(encoder, start, batches, **options):
            atoms[mine] = state.dictionary.atoms
    return atoms


def ridge_map(codes: sparse.csr_array, targets: np.ndarray, weight: float) -> np.ndarray:
    """Map ``A`` with the least ``||targets - codes @ A||^2 + weight ||A||^2``, in their dtype."""
    gram = (codes.T @ codes).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += weight
    found = linalg.solve(gram, codes.T @ targets.astype(np.float64), assume_a="pos")
    return found.astype(targets.dtype)
