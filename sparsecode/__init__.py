"""Sparse coding, dictionary learning and sparse autoencoders on one dictionary."""

from sparsecode._version import __version__
from sparsecode.dictionary import Dictionary
from sparsecode.estimators import OlshausenField, SparseCoder
from sparsecode.objective import Certificate, alpha_max, certify

__all__ = [
    "Certificate",
    "Dictionary",
    "OlshausenField",
    "SparseCoder",
    "__version__",
    "alpha_max",
    "certify",
]
