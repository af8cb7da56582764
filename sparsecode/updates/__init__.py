"""Dictionary updates: block coordinate descent, MOD, K-SVD and gradient steps."""

from sparsecode.updates.base import Update
from sparsecode.updates.block import BlockUpdate
from sparsecode.updates.gain_control import GainControl
from sparsecode.updates.gradient import GradientUpdate
from sparsecode.updates.ksvd import KSVD, ApproximateKSVD
from sparsecode.updates.mod import MOD

__all__ = [
    "KSVD",
    "MOD",
    "ApproximateKSVD",
    "BlockUpdate",
    "GainControl",
    "GradientUpdate",
    "Update",
]
