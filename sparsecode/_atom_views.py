"""Views of a dictionary, with the same atoms in another precision or unit."""

from __future__ import annotations

import functools

import numpy as np

from sparsecode._binary_scaling import exponent_between, row_sizes, scaled
from sparsecode.constraints import Constraint


class AtomViews:
    """Base of `Dictionary`: the same atoms and offset in float32 or float64, or in another unit.

    Views are kept, so that their Gram matrices are not computed again for every batch.
    """

    constraint: Constraint

    @functools.cached_property
    def _other_precision(self):
        dtype = np.float32 if self.dtype == np.float64 else np.float64
        # Atoms are not projected, which would change atoms that are the same numbers in float64.
        other = type(self)(self.atoms.astype(dtype), self.offset)
        return type(self).view(other.atoms, other.offset, self.constraint)

    @functools.cached_property
    def unit_exponent(self):
        """Exponent of the power of two that brings squares of atoms into float32; mostly 0."""
        return exponent_between(row_sizes(self.atoms))

    def in_unit(self, offset_exponent):
        """Return the dictionary with the atoms in their unit and the offset times a power of two.

        It has no constraint. Products of the atoms are shared, whatever the offset.
        """
        atoms = self._atoms_in_unit
        if self.offset is None or (atoms is self and offset_exponent == 0):
            return atoms
        other = type(self)(atoms.atoms, scaled(self.offset, offset_exponent))
        kept = ("gram", "norms", "lipschitz")
        other.__dict__.update({key: atoms.__dict__[key] for key in kept if key in atoms.__dict__})
        return other

    @functools.cached_property
    def _atoms_in_unit(self):
        if self.unit_exponent == 0:
            return self
        return type(self)(scaled(self.atoms, self.unit_exponent))
