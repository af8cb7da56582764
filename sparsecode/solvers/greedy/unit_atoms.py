"""Atoms of norm 1, as greedy solvers choose among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from sparsecode._aligned import aligned
from sparsecode._row_products import row_product

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


class UnitAtoms(NamedTuple):
    """A dictionary with its atoms divided by their norms: Gram matrix, diagonal, inverse norms.

    The latter two have one row for all samples, or one for each. Either the Gram matrix is empty,
    and rows that are needed are computed from the atoms as columns, or there are no `columns`.
    """

    atoms: np.ndarray
    gram: np.ndarray
    squares: np.ndarray
    scale: np.ndarray
    columns: np.ndarray | None

    @classmethod
    def of(cls, dictionary: Dictionary, takes_gram: Any) -> Self:
        norms = dictionary.norms
        if not takes_gram:
            scale, gram = _inverse(norms), np.empty((0, 0), dtype=norms.dtype)
            gram.flags.writeable = False
            squares = np.square(norms * scale)
            columns = np.ascontiguousarray(dictionary.atoms.T)
            return cls(dictionary.atoms, gram, squares[None], scale[None], columns)
        if np.abs(norms - 1).max() <= 16 * np.finfo(norms.dtype).eps:
            scale, gram = np.ones_like(norms), dictionary.gram
        else:
            scale = _inverse(norms)
            gram = aligned(dictionary.gram * scale * scale[:, None])
            # As that of a dictionary is: kernels are compiled for one or the other.
            gram.flags.writeable = False
        return cls(dictionary.atoms, gram, np.diag(gram)[None].copy(), scale[None], None)

    def observed(self, observed: np.ndarray) -> Any:
        """The same atoms with their norms on the features that each sample has; `gram` stays."""
        squares = row_product(observed.astype(self.atoms.dtype), np.square(self.atoms).T)
        scale = _inverse(np.sqrt(squares))
        return self._replace(squares=squares * scale * scale, scale=scale)


def inverse_norms(atoms: np.ndarray) -> np.ndarray:
    """Inverse of the norm of each atom in float64, 0 for atoms of zeros."""
    norms = np.sqrt(np.einsum("ij,ij->i", atoms, atoms, dtype=np.float64))
    return _inverse(norms)


def _inverse(norms):
    return np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
