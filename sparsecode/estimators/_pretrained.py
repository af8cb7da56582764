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


def transcoder_parts(source):
    """Encoder, its parameters, dictionary and linear map of a transcoder; the last may be None.

    Raises
    ------
    ValueError
        If it is an autoencoder, or no checkpoint.
    """
    checkpoint = pretrained(source)
    if not checkpoint.transcoder:
        raise ValueError(
            f"{checkpoint!r} is an autoencoder; expected a transcoder, which has an output other "
            "than its input. Use an estimator of autoencoders for it."
        )
    skip = None if checkpoint.W_skip is None else checkpoint.W_skip.T
    encoder, params = pretrained_encoder(checkpoint), checkpoint.params
    return encoder, params, pretrained_dictionary(checkpoint), skip
