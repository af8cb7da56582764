"""Encoders of signals that a report compares: exact codes, and thresholds of correlations."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sparsecode._convolution.codes import Events
from sparsecode._convolution.correlations import correlate
from sparsecode._convolution.signals import check_signals
from sparsecode._parallel import map_row_blocks, threads_of
from sparsecode.convolutional import LocallyGreedy
from sparsecode.convolutional.base import ConvolutionalSolver, packed
from sparsecode.encoders.thresholding import threshold_step
from sparsecode.penalties import L1


class ExactSignals(NamedTuple):
    """A convolutional solver, and the penalty of the objective that it minimises."""

    penalty: L1
    solver: ConvolutionalSolver | None = None

    def encode(
        self, X: Any, dictionary: Any, *, missing: bool = False, n_jobs: int | None = None
    ) -> Any:
        solver = LocallyGreedy() if self.solver is None else self.solver
        return solver.solve(
            X, dictionary, self.penalty, missing=missing, sparse_output=True, n_jobs=n_jobs
        ).codes


class ThresholdedSignals(NamedTuple):
    """Soft thresholds of the correlations at all positions: `Thresholding` of signals."""

    penalty: L1

    def encode(
        self, X: Any, dictionary: Any, *, missing: bool = False, n_jobs: int | None = None
    ) -> Any:
        signals = check_signals(X, dictionary.n_dims, missing=missing)
        step = threshold_step(dictionary)
        sizes = step * self.penalty.thresholds(dictionary.n_components)[:, None, None]

        def block(rows):
            return [self._one(x, dictionary, step, sizes) for x in signals.arrays[rows]]

        with threads_of(n_jobs):
            parts = map_row_blocks(block, signals.n_signals, block_size=1, n_jobs=n_jobs)
        events = [one for part in parts for one in part]
        return packed(events, signals, dictionary, np.float64, sparse_output=True)

    def _one(self, x, dictionary, step, sizes):
        moved = step * correlate(x, dictionary.planes)
        code = np.maximum(moved - sizes, 0)
        return Events.of_array(
            code if self.penalty.positive else code + np.minimum(moved + sizes, 0)
        )
