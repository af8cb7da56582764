"""How a file that cannot be read, or a checkpoint that cannot be written, is refused."""

from __future__ import annotations

from sparsecode._validation import wrong


class Refused(ValueError):
    """The file is not what it should be; the message names it."""


def refusal(path, *, got, expected, remedy):
    """The error for a file: its path, what it holds, what it should, and the way out."""
    return Refused(wrong(path, got=got, expected=expected, remedy=remedy))


def damaged(path, reason):
    """The error for a file that contradicts itself or its format."""
    return Refused(
        f"{path} is damaged or not what its name says: {reason}. Download or export it again."
    )


def unwritable(checkpoint, format, *, got, expected, remedy):
    """The error for a checkpoint that a format has no words for."""
    subject = f"A checkpoint of {checkpoint.architecture} for the format {format!r}"
    return Refused(wrong(subject, got=got, expected=expected, remedy=remedy))


def listed(names):
    """Names for a message: sorted, as they are in Python, and not more than ten of them."""
    names = sorted(names)
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(repr(name[:80]) for name in names[:10]) + more
