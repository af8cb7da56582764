"""Replacement of dead atoms and units: `ReplaceAtoms` and `ReplaceUnits`."""

from sparsecode.replacement.atoms import ReplaceAtoms, ReplacementStats
from sparsecode.replacement.units import ReplaceUnits

__all__ = ["ReplaceAtoms", "ReplaceUnits", "ReplacementStats"]
