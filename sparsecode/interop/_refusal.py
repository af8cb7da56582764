"""Errors for checkpoints that cannot be written."""

from __future__ import annotations

from sparsecode._messages import wrong
from sparsecode._reading.refusal import Refused


def unwritable(checkpoint, format, *, got, expected, remedy):
    """Return the error for a checkpoint that a format does not support."""
    subject = f"A checkpoint of {checkpoint.architecture} for the format {format!r}"
    return Refused(wrong(subject, got=got, expected=expected, remedy=remedy))
