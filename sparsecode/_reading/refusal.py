"""Refusals of files that cannot be read."""

from __future__ import annotations

from sparsecode._messages import wrong


class Refused(ValueError):
    """The file is not what it should be; the message names it."""


class Unknown(Refused):
    """The file is of no format of pictures."""


class TooLarge(Refused):
    """The file may be what it should be, but is larger than its reader was allowed to believe."""


def refusal(path, *, got, expected, remedy):
    """The error for a file: its path, what it holds, what it should, and the way out."""
    return Refused(wrong(path, got=got, expected=expected, remedy=remedy))


def damaged(path, reason):
    """The error for a file that contradicts itself or its format."""
    return Refused(
        f"{path} is damaged or not what its name says: {reason}. Download or export it again."
    )


def listed(names):
    """Names for a message: sorted, as they are in Python, and not more than ten of them."""
    names = sorted(names)
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(repr(name[:80]) for name in names[:10]) + more
