"""Sparse coding, dictionary learning and sparse autoencoders, with certificates."""

from sparsecode._version import __version__
from sparsecode.compare import amortization_report, match_l0, polish
from sparsecode.debiasing import debias
from sparsecode.dictionary import Dictionary
from sparsecode.estimators import (
    LISTA,
    DictionaryLearning,
    OlshausenField,
    SparseAutoencoder,
    SparseCoder,
    SparseOutlierDetector,
    Transcoder,
)
from sparsecode.objective import Certificate, alpha_max, certify
from sparsecode.paths import CodingPath, coding_path

__all__ = [
    "LISTA",
    "Certificate",
    "CodingPath",
    "Dictionary",
    "DictionaryLearning",
    "OlshausenField",
    "SparseAutoencoder",
    "SparseCoder",
    "SparseOutlierDetector",
    "Transcoder",
    "__version__",
    "alpha_max",
    "amortization_report",
    "certify",
    "coding_path",
    "debias",
    "match_l0",
    "polish",
]
