"""What every learner is, and the loop of those that are given one batch after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod

from benchmark_utils.common import clock, missing
from benchmark_utils.trace import Trace


class Learner(ABC):
    """An online learner with its options, on one problem at a time.

    Attributes
    ----------
    label : str
    dtype : str
    threads : int
        How many it uses, of those that it was allowed.
    """

    package = module = None
    dtype = "float32"
    threads = 1

    def unavailable(self):
        """Why this learner cannot be used, or None."""
        return missing(self.module, self.package) if self.module else None

    @abstractmethod
    def prepare(self, problem, threads=1):
        """Get ready to learn with at most `threads` threads; layout and type are not timed."""

    def warm_up(self):
        """Learn a little, to have everything loaded and compiled; returns its seconds."""
        return self.run(0).seconds[-1]

    @abstractmethod
    def run(self, seconds):
        """Learn from the start for some seconds, or a little longer.

        Returns
        -------
        trace : Trace
        """


class Batched(Learner):
    """A learner with `partial_fit`; subclasses define `make`, an estimator from the start.

    Parameters
    ----------
    batch_size : int
    dtype : str
    """

    def __init__(self, batch_size, dtype):
        self.batch_size = batch_size
        self.dtype = dtype

    def prepare(self, problem, threads=1):
        self.problem, self.threads = problem, threads
        self.X = problem.X.astype(self.dtype, copy=False)
        self.start = problem.start.astype(self.dtype)

    def run(self, seconds):
        model, trace, elapsed = self.make(), Trace([0.0], [self.start]), 0.0
        last = len(self.X) - self.batch_size + 1
        n_batches, done = len(range(0, last, self.batch_size)), 0
        while done == 0 or elapsed < seconds:
            begin = done % n_batches * self.batch_size
            batch = self.X[begin : begin + self.batch_size]
            elapsed += clock(lambda batch=batch: model.partial_fit(batch))
            done += 1
            if trace.is_due(elapsed) or elapsed >= seconds:
                trace.keep(elapsed, model.components_)
        return trace

    @abstractmethod
    def make(self):
        """A new estimator that will start from ``self.start``."""
