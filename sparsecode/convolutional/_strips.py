"""Strips of a signal: parts of a working set on which threads descend at the same time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sparsecode._parallel import map_row_blocks

# Events of a strip on average, at least. They stay in the cache of a core.
_EVENTS = 1024


def strips_of(rows, n_rows, height):
    """First event of each strip, and the end of the last one.

    A strip is at least twice as high as an atom. So the atoms of one and those of the next but one
    overlap no common atom, and their descents write to different entries.

    Parameters
    ----------
    rows : ndarray of int of shape (n_events,)
        Row of each event, ascending.
    n_rows : int
        Number of rows of positions.
    height : int
        Of an atom.
    """
    n_strips = max(min(n_rows // (2 * height), len(rows) // _EVENTS), 1)
    bounds = np.arange(n_strips) * n_rows // n_strips
    return np.append(np.searchsorted(rows, bounds), len(rows))


def descend_on_strips(descend, strips, n_passes, n_jobs):
    """Descend on every second strip and then on the others, until no first sweep moves anything.

    The order does not depend on the number of threads, and neither do the bits of the codes.

    Parameters
    ----------
    descend : callable
        Takes the first event of a strip and the end of it, and returns the number of sweeps.
    strips : ndarray of int of shape (n_strips + 1,)
    n_passes : int
        Most passes over all strips.
    n_jobs : int or None
    """
    parts = list(pairwise(strips))
    if len(parts) == 1:
        descend(*parts[0])
        return
    for _ in range(n_passes):
        sweeps = []
        for half in (parts[::2], parts[1::2]):
            sweeps += map_row_blocks(
                lambda block, half=half: max(descend(*part) for part in half[block]),
                len(half), block_size=1, n_jobs=n_jobs,
            )  # fmt: skip
        if max(sweeps) <= 1:
            return
