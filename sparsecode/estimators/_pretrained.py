"""Models that another library trained, as encoders with parameters and dictionaries."""

from __future__ import annotations

import dataclasses

from sparsecode import encoders
from sparsecode.dictionary import Dictionary
from sparsecode.interop import Checkpoint, read_checkpoint
from sparsecode.interop._folding import subtracting


def pretrained(source):
    """Checkpoint of a file, or the one that is given, with all folded that can be."""
    if not isinstance(source, Checkpoint):
        return read_checkpoint(source)
    return source.fold()


def pretrained_encoder(checkpoint):
    """Encoder of a folded checkpoint, without parameters."""
    names = ("k",)
    if checkpoint.architecture == "MatchingPursuit":
        names = ("k", "min_residual", "repeats")
    settings = {name: getattr(checkpoint, name) for name in names}
    settings = {name: value for name, value in settings.items() if value is not None}
    return getattr(encoders, checkpoint.architecture)(**settings)


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
    checkpoint = as_transcoder(pretrained(source))
    skip = None if checkpoint.W_skip is None else checkpoint.W_skip.T
    encoder, params = pretrained_encoder(checkpoint), checkpoint.params
    return encoder, params, pretrained_dictionary(checkpoint), skip


def as_transcoder(checkpoint):
    """The checkpoint as one of a transcoder, if it can be one.

    Those of Gemma Scope with equal widths do not tell what they are, and an autoencoder with a
    linear map past its codes is a transcoder whose targets are its samples.
    """
    if checkpoint.transcoder:
        return checkpoint
    untold = checkpoint.metadata.get("format") == "gemma_scope" and checkpoint.input_norm == "none"
    if not untold and checkpoint.W_skip is None:
        raise ValueError(
            f"{checkpoint!r} is an autoencoder; expected a transcoder, which has an output other "
            "than its input. Use an estimator of autoencoders for it."
        )
    if checkpoint.input_norm != "none":
        raise ValueError(
            f"{checkpoint!r} has input_norm={checkpoint.input_norm!r}, which scales each sample by "
            "its own statistics; expected 'none'. Read it with "
            "sparsecode.interop.read_checkpoint, whose standardize does this."
        )
    return dataclasses.replace(subtracting(checkpoint, False), transcoder=True)
