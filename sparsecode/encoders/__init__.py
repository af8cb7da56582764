"""Encoders: from samples to codes, exact or amortized, on one dictionary."""

from sparsecode.encoders.base import Encoder
from sparsecode.encoders.exact import Exact
from sparsecode.encoders.thresholding import Thresholding

__all__ = ["Encoder", "Exact", "Thresholding"]
