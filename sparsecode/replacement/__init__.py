"""New work for dead atoms: `ReplaceAtoms` between updates, `ReplaceUnits` in training."""

from sparsecode.replacement.atoms import ReplaceAtoms, ReplacementStats
from sparsecode.replacement.units import ReplaceUnits

__all__ = ["ReplaceAtoms", "ReplaceUnits", "ReplacementStats"]
