"""Measures of codes and reconstructions, one definition each."""

from sparsecode.metrics.atom_usage import Usage, dead_atoms, sort_atoms, usage
from sparsecode.metrics.description import bic, code_length
from sparsecode.metrics.reconstruction import explained_variance
from sparsecode.metrics.recovery import atom_recovery, code_mcc
from sparsecode.metrics.sparsity import kurtosis, l0
from sparsecode.metrics.support import SupportScores, support_scores

__all__ = [
    "SupportScores",
    "Usage",
    "atom_recovery",
    "bic",
    "code_length",
    "code_mcc",
    "dead_atoms",
    "explained_variance",
    "kurtosis",
    "l0",
    "sort_atoms",
    "support_scores",
    "usage",
]
