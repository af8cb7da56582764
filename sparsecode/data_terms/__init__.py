"""Data terms other than the squared error: for outliers in features, and for counts."""

from sparsecode.data_terms.certificate import TermCertificate, certify
from sparsecode.data_terms.coding import TermResult, encode
from sparsecode.data_terms.terms import Absolute, DataTerm, Huber, KullbackLeibler

__all__ = [
    "Absolute",
    "DataTerm",
    "Huber",
    "KullbackLeibler",
    "TermCertificate",
    "TermResult",
    "certify",
    "encode",
]
