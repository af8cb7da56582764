"""The working set of convolutional codes: what enters it, and coordinate descent on it."""

from __future__ import annotations

from sparsecode._interrupts import is_halted
from sparsecode._jit import kernel


@kernel
def survey(found, thresholds, positive, components, rows, columns, correlations, best, where):
    """Read correlations at a working set, and find the best other position of every segment.

    Parameters
    ----------
    found : ndarray of shape (n_components, n_rows, n_columns)
        Correlations at a block of positions; those of the working set become 0.
    thresholds : ndarray of shape (n_components,)
    positive : bool
    components, rows, columns : ndarray of int of shape (n_events,)
        The working set within the block.
    correlations : ndarray of shape (n_events,)
        Filled with their correlations.
    best : ndarray of shape (n_segment_rows, n_segment_columns)
        Filled with the largest correlation of a segment over its weight, at least 1.
    where : ndarray of int of shape (n_segment_rows, n_segment_columns, 3)
        Filled with its component, row and column.

    Returns
    -------
    largest : float
        Largest correlation over its weight, in the working set too.
    """
    n_components, n_rows, n_columns = found.shape
    height = -(-n_rows // best.shape[0])
    width = -(-n_columns // best.shape[1])
    largest = 0.0
    for event in range(len(components)):
        value = found[components[event], rows[event], columns[event]]
        correlations[event] = value
        size = value if positive else abs(value)
        largest = max(largest, size / thresholds[components[event]])
        found[components[event], rows[event], columns[event]] = 0
    best[:] = 1
    for component in range(n_components):
        for row in range(n_rows):
            for column in range(n_columns):
                value = found[component, row, column]
                size = value if positive else abs(value)
                ratio = size / thresholds[component]
                segment = row // height, column // width
                if ratio > best[segment]:
                    best[segment] = ratio
                    where[segment[0], segment[1], 0] = component
                    where[segment[0], segment[1], 1] = row
                    where[segment[0], segment[1], 2] = column
    return max(largest, best.max())


@kernel
def descend(
    codes,
    correlations,
    squares,
    thresholds,
    positive,
    starts,
    indices,
    values,
    tol,
    n_sweeps,
    halt,
    first,
    last,
):
    """Coordinate descent on a part of a working set, until none moves by more than `tol`.

    A move is measured by its change of the correlation over the weight. `correlations` are those of
    the residual, and stay so. The part is from event `first` to before `last`. Returns the number
    of sweeps: 1 if the first one moved no coefficient by more.
    """
    for sweep in range(n_sweeps):
        if is_halted(halt):
            return sweep
        worst = 0.0
        for event in range(first, last):
            square = squares[event]
            if square == 0:
                # An atom that sees nothing of the signal.
                codes[event] = 0.0
                continue
            target = correlations[event] + square * codes[event]
            weight = thresholds[event]
            if target > weight:
                new = (target - weight) / square
            elif target < -weight and not positive:
                new = (target + weight) / square
            else:
                new = 0.0
            change = new - codes[event]
            if change != 0:
                worst = max(worst, abs(change) * square / weight)
                codes[event] = new
                for at in range(starts[event], starts[event + 1]):
                    correlations[indices[at]] -= values[at] * change
        if worst <= tol:
            return sweep + 1
    return n_sweeps
