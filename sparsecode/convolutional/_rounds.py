"""Work of the locally greedy solver on one signal: rounds of a growing working set."""

from __future__ import annotations

import numpy as np

from sparsecode._convolution.codes import Events
from sparsecode._convolution.correlations import Correlations
from sparsecode._convolution.gaps import primal_and_gap
from sparsecode._interrupts import halt_flag, halt_if_told
from sparsecode.convolutional._neighbours import (
    count_neighbours,
    first_events,
    gone_before,
    list_neighbours,
    observe_neighbours,
)
from sparsecode.convolutional._strips import descend_on_strips, strips_of
from sparsecode.convolutional._working_set import descend, survey

# Only positions whose excess is a share of the largest enter a round.
_SHARE = 0.03
# Segments of an atom's size in each direction.
_SEGMENTS = 6
_SWEEPS, _PASSES = 1000, 100


class Rounds:
    """The work on one signal."""

    def __init__(self, x, observed, dictionary, thresholds, penalty):
        self.x, self.observed, self.dictionary = x, observed, dictionary
        self.thresholds, self.positive = thresholds, bool(penalty.positive)
        self.positions = dictionary.positions(x.shape)
        self.half = 0.5 * np.vdot(x, x)
        self.gone = None if observed is None else gone_before(observed)
        # Segments of a size that divides a block of positions.
        self.segment = [-(-n // _SEGMENTS) for n in dictionary.planes.shape[2:]]
        self.correlations = Correlations(dictionary.planes, x.shape, self.segment[0])

    def run(self, events, max_iter, tol, n_jobs):
        """Events of the solution, their relative gap, and the number of rounds."""
        best = events, np.inf, 0
        for n_iter in range(max_iter + 1):
            halt_if_told()
            residual = self.residual(events)
            correlations, excess, new = self.survey(residual, events, n_jobs)
            gap = self.relative_gap(residual, events, excess)
            if gap < best[1]:
                best = events, gap, n_iter
            if gap <= tol or n_iter == max_iter:
                break
            events, correlations = self.grown(events, correlations, new)
            # A little of what is wrong may stay: what enters next moves it anyway.
            left = min(0.01, 0.1 * max(excess - 1, 1e-14))
            events = self.solved(events, correlations, left, n_jobs)
        kept = best[0].only(best[0].values != 0)
        return kept, best[1], n_iter

    def residual(self, events):
        """The signal less the sum of atoms, 0 where an entry is missing."""
        residual = self.x - events.decoded(self.dictionary.planes, self.x.shape)
        return residual if self.observed is None else residual * self.observed

    def relative_gap(self, residual, events, excess):
        """Duality gap of the events over half the squared norm of the signal."""
        value = (self.thresholds[events.components] * np.abs(events.values)).sum()
        return primal_and_gap(self.x, residual, value, excess)[1] / self.half

    def survey(self, residual, events, n_jobs):
        """Correlations of the events, the largest excess, and the best new events of segments."""
        n_columns = self.positions[1]
        correlations = np.empty(len(events.values))
        n_across = -(-n_columns // self.segment[1])

        def block(rows):
            found = self.correlations.rows(residual, rows)
            low, high = np.searchsorted(events.rows, [rows.start, rows.stop])
            n_down = -(-(rows.stop - rows.start) // self.segment[0])
            best = np.empty((n_down, n_across))
            where = np.zeros((n_down, n_across, 3), dtype=np.int64)
            largest = survey(
                found, self.thresholds, self.positive, events.components[low:high],
                events.rows[low:high] - rows.start, events.columns[low:high],
                correlations[low:high], best, where,
            )  # fmt: skip
            where[:, :, 1] += rows.start
            kept = best > 1
            return largest, best[kept], where[kept], found[tuple(_in_block(where[kept], rows))]

        parts = self.correlations.map(block, n_jobs)
        excess, best, where, values = zip(*parts, strict=True)
        excess = max(excess)
        best, where, values = map(np.concatenate, (best, where, values))
        enough = best >= 1 + _SHARE * (excess - 1)
        return correlations, excess, (where[enough], values[enough])

    def grown(self, events, correlations, new):
        """The events that are not zero, with the new ones, and the correlations of all."""
        where, values = new
        kept = events.values != 0
        components, rows, columns = np.concatenate(
            [np.stack(events.only(kept)[:3], axis=1), where]
        ).T
        codes = np.concatenate([events.values[kept], np.zeros(len(where))])
        order = np.lexsort((components, columns, rows))
        events = Events(
            *(np.ascontiguousarray(p[order]) for p in (components, rows, columns, codes))
        )
        return events, np.concatenate([correlations[kept], values])[order]

    def solved(self, events, correlations, tol, n_jobs):
        """The events with the coefficients that are best for them alone."""
        atoms, gram = self.dictionary.planes, self.dictionary.shifted_products
        components, rows, columns, values = events
        first_of_row = first_events(rows, self.positions[0])
        counts = np.empty(len(rows), dtype=np.int64)
        count_neighbours(rows, columns, first_of_row, *atoms.shape[2:], counts)
        starts = np.concatenate([[0], np.cumsum(counts)])
        indices, products = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1])
        list_neighbours(components, rows, columns, first_of_row, gram, starts, indices, products)
        if self.observed is not None:
            observe_neighbours(
                components, rows, columns, atoms, self.observed, self.gone, starts, indices,
                products,
            )  # fmt: skip
        own = indices == np.repeat(np.arange(len(rows)), counts)
        values, squares = values.copy(), products[own]
        thresholds = self.thresholds[components]

        def part(first, last):
            return descend(
                values, correlations, squares, thresholds, self.positive, starts, indices,
                products, tol, _SWEEPS, halt_flag(), first, last,
            )  # fmt: skip

        strips = strips_of(rows, self.positions[0], atoms.shape[2])
        descend_on_strips(part, strips, _PASSES, n_jobs)
        halt_if_told()
        return Events(components, rows, columns, values)


def _in_block(where, rows):
    return where[:, 0], where[:, 1] - rows.start, where[:, 2]
