"""Refusals of checkpoints that cannot be written."""

from __future__ import annotations

from sparsecode._reading.refusal import Refused
from sparsecode._validation import wrong


def unwritable(checkpoint, format, *, got, expected, remedy):
    """The error for a checkpoint that a format has no words for."""
    subject = f"A checkpoint of {checkpoint.architecture} for the format {format!r}"
    return Refused(wrong(subject, got=got, expected=expected, remedy=remedy))
