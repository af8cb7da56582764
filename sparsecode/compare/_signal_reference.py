"""References for encoders of signals: the optimum, and the convergence of FISTA to it."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._convolution.codes import Events
from sparsecode._convolutional_judge import events_of
from sparsecode._parallel import map_row_blocks, threads_of
from sparsecode.compare._reference import Reference, mean_curve
from sparsecode.convolutional import ConvolutionalFISTA, LocallyGreedy
from sparsecode.convolutional._descent import Descent


class SignalReference(Reference):
    """The optimum of some signals and the run of FISTA from zero: a `Reference`."""

    def __init__(self, data, penalty, tol, n_jobs):
        self.data, self.max_iter = data, ConvolutionalFISTA().max_iter
        super().__init__(
            data.X, data.dictionary, penalty, tol=tol, n_jobs=n_jobs, missing=data.missing
        )
        n_late = int((self.n_iter >= self.max_iter).sum())
        if n_late:
            warnings.warn(
                f"FISTA did not reach tol={tol:g} in {self.max_iter} iterations for {n_late} of "
                f"{len(self.n_iter)} signals, and counts as converged there. Raise tol.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _solve(self):
        result = LocallyGreedy(tol=self.tol).solve(
            self.X,
            self.dictionary,
            self.penalty,
            missing=self.missing,
            sparse_output=True,
            n_jobs=self.n_jobs,
        )
        return self.data.check(result.codes), result.certificate

    def _run(self, codes):
        signals, dictionary = self.data.signals, self.dictionary
        starts = [Events.none()] * signals.n_signals
        if codes is not None:
            starts = events_of(codes, signals, dictionary)

        def block(rows):
            parts = (part[rows] for part in (signals.arrays, signals.observed, starts))
            return [self._curve(*each) for each in zip(*parts, strict=True)]

        # What all signals need is made once, and not on several threads.
        _ = dictionary.planes, dictionary.lipschitz
        with threads_of(self.n_jobs):
            parts = map_row_blocks(
                block, signals.n_signals, block_size=1, n_jobs=self.n_jobs, is_long=True
            )
        curves = [np.array(curve) for part in parts for curve in part]
        n_iter = np.array([len(curve) - 1 for curve in curves])
        return n_iter, mean_curve(curves, len(curves))

    def _curve(self, x, observed, start):
        """Objectives of FISTA on one signal, before the first iteration and after each."""
        if not x.any():
            return [0.0]
        penalty = self.penalty
        thresholds = penalty.thresholds(self.dictionary.n_components)
        start = start.only(start.values > 0) if penalty.positive else start
        descent = Descent(x, observed, self.dictionary, thresholds, penalty)
        descent.run(start, self.max_iter, self.tol, None)
        return descent.curve
