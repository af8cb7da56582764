"""Checkpoints of autoencoders that other libraries trained, read and written without them.

Nothing in a file is executed, and what a file says about its own size is checked before it is
believed.
"""

from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._formats import read_checkpoint, write_checkpoint

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]
