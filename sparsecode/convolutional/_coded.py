"""Signals to learn from, and their codes on the atoms of now with what these leave."""

from __future__ import annotations

import numpy as np

from sparsecode.convolutional._first_atoms import largest_parts
from sparsecode.convolutional._statistics import Statistics


class SignalsInMemory:
    """Signals to learn from; `sparsecode.distributed.signal_learning` has those in chunks.

    Parameters
    ----------
    signals : Signals
        Checked.
    """

    def __init__(self, signals):
        self.signals = signals
        self.n_signals, self.n_channels = signals.n_signals, signals.n_channels
        self.dtype = signals.dtype

    def to_start_from(self, rng):
        """Arrays from which first atoms are drawn; of signals in memory all."""
        return self.signals.arrays

    def batches(self, size, rng):
        """A pass over the signals in random order, some of them at a time."""
        order = rng.permutation(self.n_signals)
        for begin in range(0, len(order), size):
            yield SignalsInMemory(self.signals.some(order[begin : begin + size]))

    def coded(self, settings, dictionary, starts):
        """The signals with codes on a dictionary, from those of `starts` if that is not None."""
        events = None if starts is None else starts.events
        events = solved_events(self.signals, settings, dictionary, events)
        return Coded(self.signals, events, settings, dictionary)


class Coded:
    """Signals with their codes on given atoms, and what these leave.

    Attributes
    ----------
    events : list of Events
        Nonzeros of each signal.
    residuals : list of ndarray
        Signals less their reconstructions, 0 where an entry is missing.
    objective : float
        Sum over the signals.
    n_nonzeros : int
    """

    def __init__(self, signals, events, settings, dictionary):
        self.signals, self.events, self.dictionary = signals, events, dictionary
        self.support = settings.support
        penalty = settings.penalty_of(dictionary.n_components)
        thresholds = penalty.thresholds(dictionary.n_components)
        self.residuals, total = [], 0.0
        for x, observed, one in zip(signals.arrays, signals.observed, events, strict=True):
            residual = x - one.decoded(dictionary.planes, x.shape)
            residual = residual if observed is None else residual * observed
            total += 0.5 * np.vdot(residual, residual)
            total += (thresholds[one.components] * np.abs(one.values)).sum()
            self.residuals.append(residual)
        self.objective = float(total)
        self.n_nonzeros = sum(len(one.values) for one in events)

    def statistics(self):
        """Statistics of the signals, whose missing entries are those of the reconstruction."""
        shape = self.dictionary.planes.shape
        total = Statistics.none(shape)
        for x, observed, residual, one in zip(
            self.signals.arrays, self.signals.observed, self.residuals, self.events, strict=True
        ):
            is_whole = observed is None
            filled = x if is_whole else residual + one.decoded(self.dictionary.planes, x.shape)
            total = total.plus(Statistics.of_signal(filled, one, shape))
        return total

    def largest_parts(self, n_parts):
        """Parts of the residuals with the most energy, see `largest_parts`."""
        return [part for _, part in largest_parts(self.residuals, n_parts, self.support)]


def solved_events(signals, settings, dictionary, starts):
    """Nonzeros of the codes of checked signals, from those of `starts` if that is not None."""
    penalty = settings.penalty_of(dictionary.n_components)
    events, _, _ = settings.solver.solve_events(
        signals, dictionary, penalty, starts=starts, n_jobs=settings.n_jobs
    )
    return events
