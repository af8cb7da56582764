"""Rows of one source: the value that readers of blocks pass on."""

from __future__ import annotations

from typing import Any, NamedTuple

# Kinds of dtypes that are numbers.
KINDS = "buif"


class Rows(NamedTuple):
    """Rows of one source.

    Attributes
    ----------
    name : str
        Name for messages.
    n_rows : int
    pieces : callable
        Takes a number of rows; gives arrays of at most as many, one after the other.
    """

    name: str
    n_rows: int
    pieces: Any
