"""Views of a dictionary, with the same atoms in another precision or unit."""

from __future__ import annotations

import functools
from typing import Self

import numpy as np
from numpy.typing import DTypeLike

from sparsecode._binary_scaling import exponent_between, row_sizes, scaled
from sparsecode._validation import check_dtype
from sparsecode.constraints import Constraint, Free


class AtomViews:
    """Base of `Dictionary`: the same atoms and offset in float32 or float64, or in another unit.

    Views are kept, so that their Gram matrices are not computed again for every batch.
    """

    constraint: Constraint

    @classmethod
    def view(
        cls,
        atoms: np.ndarray,
        offset: np.ndarray | None = None,
        constraint: Constraint | None = None,
    ) -> Self:
        """Return a dictionary that holds these arrays, without checks, copies or a projection.

        For arrays that are known to be right, or that are changed in place while a view of them
        is in use: what is computed of the atoms is kept by the view.

        Parameters
        ----------
        atoms : ndarray of shape (n_components, n_features)
        offset : ndarray of shape (n_features,) or None, default=None
        constraint : Constraint or None, default=None
            None is `Free()`.

        Returns
        -------
        dictionary : Dictionary
            Its arrays are read-only views.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode import Dictionary
        >>> atoms = np.eye(2)
        >>> dictionary = Dictionary.view(atoms)
        >>> atoms[0, 1] = 3.0
        >>> dictionary.atoms
        array([[1., 3.],
               [0., 1.]])
        """
        dictionary = cls.__new__(cls)
        arrays = {"atoms": atoms.view(), "offset": None if offset is None else offset.view()}
        constraint = Free() if constraint is None else constraint
        dictionary.__setstate__({**arrays, "constraint": constraint})
        return dictionary

    def astype(self, dtype: DTypeLike) -> Self:
        """Return the dictionary with arrays of `dtype`; itself if it has that type already."""
        if np.dtype(dtype) == self.dtype:
            return self
        dtype = check_dtype(dtype)
        return self._other_precision

    @functools.cached_property
    def _other_precision(self):
        dtype = np.float32 if self.dtype == np.float64 else np.float64
        # Atoms are not projected, which would change atoms that are the same numbers in float64.
        other = type(self)(self.atoms.astype(dtype), self.offset)
        return type(self).view(other.atoms, other.offset, self.constraint)

    @functools.cached_property
    def unit_exponent(self) -> int:
        """Exponent of the power of two that brings squares of atoms into float32; mostly 0."""
        return exponent_between(row_sizes(self.atoms))

    def in_unit(self, offset_exponent: int) -> Self:
        """Return the dictionary with the atoms in their unit and the offset times a power of two.

        It has no constraint. Products of the atoms are shared, whatever the offset.
        """
        atoms = self._atoms_in_unit
        if self.offset is None or (atoms is self and offset_exponent == 0):
            return atoms
        other = type(self)(atoms.atoms, scaled(self.offset, offset_exponent))
        kept = ("gram", "norms", "lipschitz", "_atoms_as_columns", "_atoms_as_rows")
        other.__dict__.update({key: atoms.__dict__[key] for key in kept if key in atoms.__dict__})
        return other

    @functools.cached_property
    def _atoms_in_unit(self):
        if self.unit_exponent == 0:
            return self
        return type(self)(scaled(self.atoms, self.unit_exponent))
