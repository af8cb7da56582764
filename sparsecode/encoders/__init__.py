"""Encoders: from samples to codes, exact or amortized, on one dictionary."""

from sparsecode.encoders.base import Encoder
from sparsecode.encoders.exact import Exact

__all__ = ["Encoder", "Exact"]
