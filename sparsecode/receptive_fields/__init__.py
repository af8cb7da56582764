"""Receptive-field analysis: Gabor fits of atoms, compared with simple cells."""

from sparsecode.receptive_fields._fits import GaborFits
from sparsecode.receptive_fields.gabor import fit_gabors, gabor_patches
from sparsecode.receptive_fields.statistics import (
    ReceptiveFieldStatistics,
    receptive_field_statistics,
    spatial_frequency,
)

__all__ = [
    "GaborFits",
    "ReceptiveFieldStatistics",
    "fit_gabors",
    "gabor_patches",
    "receptive_field_statistics",
    "spatial_frequency",
]
