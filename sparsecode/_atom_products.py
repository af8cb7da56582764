"""Products of the atoms of a dictionary, as read-only arrays."""

from __future__ import annotations

import functools

import numpy as np

from sparsecode._analytic import analytic_weights
from sparsecode._binary_scaling import norms_of
from sparsecode._blas import single_threaded_blas
from sparsecode._matching import largest_cosine
from sparsecode._row_products import panels_to_keep, row_product
from sparsecode._statistics import inner_products

# Number of atoms up to which the whole Gram matrix is computed and kept: it is as fast as a few
# columns.
FEW_ATOMS = 4096
_PLAIN = {float, int, bool, str, type(None)}


def read_only(array):
    """Make an array read-only, and return it."""
    array.flags.writeable = False
    return array


class AtomProducts:
    """Base of `Dictionary`: products of its `atoms` for solvers, computed once."""

    atoms: np.ndarray
    offset: np.ndarray | None

    @functools.cached_property
    def gram(self) -> np.ndarray:
        """Inner products of the atoms, ``atoms @ atoms.T``, shape (n_components, n_components)."""
        return read_only(inner_products(self.atoms))

    @functools.cached_property
    def pseudo_inverse(self) -> np.ndarray:
        """Moore-Penrose inverse of the atoms, shape (n_features, n_components)."""
        cutoff = max(self.atoms.shape) * np.finfo(self.atoms.dtype).eps
        with single_threaded_blas():
            inverse = np.linalg.pinv(self.atoms.astype(np.float64), rcond=cutoff)
        return read_only(np.ascontiguousarray(inverse, dtype=self.atoms.dtype))

    @functools.cached_property
    def analytic_weights(self) -> np.ndarray:
        """Weights of ALISTA (Liu and others, 2019), shape (n_components, n_features).

        The row for an atom has an inner product of 1 with this atom, and the smallest sum of
        squared inner products with the other atoms. It is 0 for an atom of zeros.
        """
        return read_only(analytic_weights(self.atoms, self.pseudo_inverse)).T

    @functools.cached_property
    def norms(self) -> np.ndarray:
        """Euclidean norm of each atom, shape (n_components,)."""
        return read_only(norms_of(self.atoms))

    @functools.cached_property
    def _largest_norm(self):
        """Norm of the longest atom."""
        return float(self.norms.max())

    @functools.cached_property
    def lipschitz(self) -> float:
        """Upper bound of the largest eigenvalue of the Gram matrix, the inverse step of ISTA."""
        n_components, n_features = self.atoms.shape
        small = (self.atoms.T if n_components > n_features else self.atoms).astype(np.float64)
        with single_threaded_blas():
            largest = np.linalg.eigvalsh(small @ small.T)[-1]
        # Rounding errors are of order n * eps at most; the margin keeps this an upper bound. If all
        # atoms are zero, its inverse must still be finite in float32.
        return float(max(largest * (1 + 1e-9), np.finfo(np.float32).tiny))

    @functools.cached_property
    def coherence(self) -> float:
        """Largest absolute cosine between two different atoms."""
        return largest_cosine(self.atoms) if len(self.atoms) > 1 else 0.0

    @functools.cached_property
    def _atoms_as_columns(self):
        return panels_to_keep(self.atoms.T)

    @functools.cached_property
    def _atoms_as_rows(self):
        return panels_to_keep(self.atoms)

    def _correlate(self, rows, out=None):
        """``rows @ atoms.T``, of which a row does not depend on the others."""
        return row_product(rows, self._atoms_as_columns, out)

    def _combine(self, codes, out=None):
        """``codes @ atoms`` of dense codes, of which a row does not depend on the others."""
        return row_product(codes, self._atoms_as_rows, out)

    def _prepared_for(self, penalty):
        """The form of a penalty that kernels take, for these atoms."""
        return self._kept(
            "_prepared", penalty, lambda: penalty.prepare(len(self.atoms), self.atoms.dtype)
        )

    def _kept(self, name, penalty, make):
        """What `make` returns, which depends on these atoms and a penalty alone.

        Kept for the last penalty that consists of plain numbers: no array in it can have changed.
        """
        key = type(penalty), *map(type, penalty), *penalty
        kept = self.__dict__.get(name)
        if kept is not None and kept[0] == key:
            return kept[1]
        made = make()
        if set(map(type, penalty)) <= _PLAIN:
            self.__dict__[name] = key, made
        return made
