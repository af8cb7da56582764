"""Checkpoints of autoencoders of other libraries, read and written without these libraries.

Nothing in a file is executed, and the sizes that a file declares are checked before memory is
allocated.
"""

from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._formats import read_checkpoint, write_checkpoint

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]
