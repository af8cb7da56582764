"""Dictionary updates: from coded samples to a better dictionary."""

from sparsecode.updates.base import Update
from sparsecode.updates.block import BlockUpdate
from sparsecode.updates.gain_control import GainControl
from sparsecode.updates.gradient import GradientUpdate

__all__ = ["BlockUpdate", "GainControl", "GradientUpdate", "Update"]
