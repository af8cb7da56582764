"""Models that another library trained, as encoders with parameters and dictionaries."""

from __future__ import annotations

from sparsecode import encoders
from sparsecode.dictionary import Dictionary
from sparsecode.interop import Checkpoint, read_checkpoint


def pretrained(source):
    """Checkpoint of a file, or the one that is given, with all folded that can be."""
    if not isinstance(source, Checkpoint):
        return read_checkpoint(source)
    return source.fold()


def pretrained_encoder(checkpoint):
    """Encoder of a folded checkpoint, without parameters."""
    encoder = getattr(encoders, checkpoint.architecture)()
    return encoder if checkpoint.k is None else encoder.set_params(k=checkpoint.k)


def pretrained_dictionary(checkpoint):
    """Decoder of a checkpoint, its atoms as they are."""
    return Dictionary(checkpoint.atoms, checkpoint.offset)
