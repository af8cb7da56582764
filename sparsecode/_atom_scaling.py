"""Atoms in a unit in which their squares fit into floats."""

from __future__ import annotations

import functools

from sparsecode._binary_scaling import exponent_between, row_sizes, scaled


class HasUnits:
    """Mix-in of `Dictionary`: the same atoms and offset times powers of two."""

    @functools.cached_property
    def unit_exponent(self):
        """Exponent of two of the unit in which squares of the atoms fit into float32; mostly 0."""
        return exponent_between(row_sizes(self.atoms))

    def in_its_unit(self, offset_exponent):
        """Return the dictionary with the atoms in their unit and the offset times a power of two.

        It has no constraint. What was computed of the atoms is shared, whatever the offset.
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
        # Kept, so that its Gram matrix is not computed anew for every batch.
        if self.unit_exponent == 0:
            return self
        return type(self)(scaled(self.atoms, self.unit_exponent))
