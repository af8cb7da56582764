"""Amortized inference against exact optimization, on one dictionary."""

from sparsecode.compare.amortization import amortization_report
from sparsecode.compare.l0_matching import MatchedEncoder, match_l0
from sparsecode.compare.polishing import polish
from sparsecode.compare.report import AmortizationReport, EncoderScores

__all__ = [
    "AmortizationReport",
    "EncoderScores",
    "MatchedEncoder",
    "amortization_report",
    "match_l0",
    "polish",
]
