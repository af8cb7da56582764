"""New work for dead atoms: `ReplaceAtoms` between updates, `ResampleNeurons` in training."""

from sparsecode.resampling.neurons import ResampleNeurons
from sparsecode.resampling.replacement import ReplaceAtoms, ReplacementStats

__all__ = ["ReplaceAtoms", "ReplacementStats", "ResampleNeurons"]
