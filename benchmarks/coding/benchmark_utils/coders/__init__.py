"""Coders: every solver behind the same few methods, ours and those of other libraries."""

from benchmark_utils.common import missing

from .base import Coder
from .celer_skglm import CelerLasso, SkglmLasso
from .floor import Product
from .ours import Ours, OursGreedy, sparse_output
from .scikit_learn import LassoCD, LassoLars, LassoOnGram, OMPGram
from .spams import SpamsLasso, SpamsOMP

__all__ = [
    "CelerLasso",
    "Coder",
    "LassoCD",
    "LassoLars",
    "LassoOnGram",
    "OMPGram",
    "Ours",
    "OursGreedy",
    "Product",
    "SkglmLasso",
    "SpamsLasso",
    "SpamsOMP",
    "missing",
    "sparse_output",
]
