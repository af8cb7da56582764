"""Neighbours of positions: pairs of shifted atoms that overlap, and their inner products."""

from __future__ import annotations

import numpy as np

from sparsecode._jit import inner, kernel


@inner
def first_after(columns, low, high, bound):
    """First of ``columns[low:high]``, which ascend, that is at least a bound."""
    while low < high:
        middle = (low + high) // 2
        if columns[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def count_neighbours(rows, columns, first_of_row, height, width, counts):
    """Count the events whose atoms overlap that of each event, itself too."""
    n_rows = len(first_of_row) - 1
    for event in range(len(rows)):
        count = 0
        for row in range(max(0, rows[event] - height + 1), min(n_rows, rows[event] + height)):
            end = first_of_row[row + 1]
            low = first_after(columns, first_of_row[row], end, columns[event] - width + 1)
            count += first_after(columns, low, end, columns[event] + width) - low
        counts[event] = count


@kernel
def list_neighbours(components, rows, columns, first_of_row, gram, starts, indices, values):
    """Fill in the events whose atoms overlap that of each event, and the inner products."""
    n_rows = len(first_of_row) - 1
    height, width = (gram.shape[2] + 1) // 2, (gram.shape[3] + 1) // 2
    for event in range(len(rows)):
        at = starts[event]
        for row in range(max(0, rows[event] - height + 1), min(n_rows, rows[event] + height)):
            end = first_of_row[row + 1]
            other = first_after(columns, first_of_row[row], end, columns[event] - width + 1)
            while other < end and columns[other] < columns[event] + width:
                indices[at] = other
                values[at] = gram[
                    components[event],
                    components[other],
                    row - rows[event] + height - 1,
                    columns[other] - columns[event] + width - 1,
                ]
                at += 1
                other += 1


@kernel
def observe_neighbours(components, rows, columns, atoms, observed, gone, starts, indices, values):
    """Replace the inner products of atoms that meet missing entries by those without them.

    `gone` holds the number of missing entries above and left of each corner of an entry.
    """
    _, n_channels, height, width = atoms.shape
    for event in range(len(rows)):
        for at in range(starts[event], starts[event + 1]):
            other = indices[at]
            top, bottom = max(rows[event], rows[other]), min(rows[event], rows[other]) + height
            left = max(columns[event], columns[other])
            right = min(columns[event], columns[other]) + width
            n_gone = gone[bottom, right] - gone[top, right] - gone[bottom, left] + gone[top, left]
            if n_gone == 0:
                continue
            total = 0.0
            for channel in range(n_channels):
                for i in range(top, bottom):
                    for j in range(left, right):
                        if observed[channel, i, j]:
                            total += (
                                atoms[
                                    components[event], channel, i - rows[event], j - columns[event]
                                ]
                                * atoms[
                                    components[other], channel, i - rows[other], j - columns[other]
                                ]
                            )
            values[at] = total


def first_events(rows, n_rows):
    """First event of each row of positions, and the number of events at the end."""
    return np.searchsorted(rows, np.arange(n_rows + 1))


def gone_before(observed):
    """Missing entries above and left of each corner, in any channel, (height + 1, width + 1)."""
    gone = (~observed).any(axis=0)
    return np.pad(gone.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
