"""Measures of codes and reconstructions, one definition each."""

from sparsecode.metrics.atom_usage import Usage, dead_atoms, sort_atoms, usage
from sparsecode.metrics.common_atoms import Stability, stability
from sparsecode.metrics.density import (
    DensityHistogram,
    dead_fraction,
    dense_fraction,
    density_histogram,
)
from sparsecode.metrics.description import bic, code_length
from sparsecode.metrics.detection import (
    DetectionScores,
    detection_scores,
    nearest_atoms,
    uniqueness,
)
from sparsecode.metrics.fit_summary import FitSummary, summary
from sparsecode.metrics.reconstruction import (
    cosine,
    explained_variance,
    l2_ratio,
    mse,
    normalized_mse,
    relative_reconstruction_bias,
)
from sparsecode.metrics.recovered_features import RecoverySummary, recovery_summary
from sparsecode.metrics.recovery import atom_mcc, atom_mmcs, atom_recovery, code_mcc, code_mmcs
from sparsecode.metrics.sparsity import kurtosis, l0
from sparsecode.metrics.splicing import LossRecovered, loss_recovered
from sparsecode.metrics.support import SupportScores, support_scores

__all__ = [
    "DensityHistogram",
    "DetectionScores",
    "FitSummary",
    "LossRecovered",
    "RecoverySummary",
    "Stability",
    "SupportScores",
    "Usage",
    "atom_mcc",
    "atom_mmcs",
    "atom_recovery",
    "bic",
    "code_length",
    "code_mcc",
    "code_mmcs",
    "cosine",
    "dead_atoms",
    "dead_fraction",
    "dense_fraction",
    "density_histogram",
    "detection_scores",
    "explained_variance",
    "kurtosis",
    "l0",
    "l2_ratio",
    "loss_recovered",
    "mse",
    "nearest_atoms",
    "normalized_mse",
    "recovery_summary",
    "relative_reconstruction_bias",
    "sort_atoms",
    "stability",
    "summary",
    "support_scores",
    "uniqueness",
    "usage",
]
