"""Who is compared on a problem, made ready, and timed in turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmark_utils import coders
from benchmark_utils.common import clock, interleaved
from benchmark_utils.problems import Greedy, same_support


@dataclass
class Timing:
    """A coder, the problem it was timed on, and its seconds.

    `compiling` is how much longer the very first call took than the second.
    """

    coder: coders.Coder
    problem: object
    compiling: float
    seconds: np.ndarray = field(default_factory=lambda: np.zeros(1))

    @property
    def rate(self):
        """Samples a second, the median."""
        return len(self.problem.X) / np.median(self.seconds)


def lineup(problem, solvers):
    """The floor, our `solvers` at each gap, and all competitors of the problem."""
    if isinstance(problem, Greedy):
        ours = [
            coders.OursGreedy(name, dtype)
            for name in ("OMP", "OLS")
            for dtype in ("float32", "float64")
        ]
        theirs = [coders.SpamsOMP(), coders.SpamsOMP("float32"), coders.OMPGram()]
        return [coders.Product(), *ours, *theirs]
    accuracies = (("float32", 1e-4), ("float32", 1e-6), ("float64", 1e-6))
    ours = [coders.Ours(name, *accuracy) for name in solvers for accuracy in accuracies]
    tuned = (coders.LassoCD, coders.LassoOnGram, coders.CelerLasso, coders.SkglmLasso)
    return [
        coders.Product(),
        *ours,
        coders.SpamsLasso(),
        coders.SpamsLasso(gram=False),
        coders.SpamsLasso("float32"),
        *(make(gap) for make in tuned for gap in (1e-4, 1e-6)),
        coders.LassoLars(),
    ]


def available(lineup, problem, tell):
    """The coders that can code the problem; `tell` is called with each other label, and why."""
    reasons = {coder: coder.unavailable(problem) for coder in lineup}
    skipped = {coder.label: reason for coder, reason in reasons.items() if reason is not None}
    for label, reason in skipped.items():
        tell(label, f"skipped, {reason}")
    return [coder for coder, reason in reasons.items() if reason is None]


def race(lineup, problem, threads, n_rounds, n_few, tell):
    """Time coders in turn; those that are slow on the first `n_few` samples.

    Parameters
    ----------
    lineup : list of Coder
    problem : Problem
    threads : int
    n_rounds : int
    n_few : int
    tell : callable
        Called with the label of each competitor that failed, and its error.

    Returns
    -------
    timings : list of Timing
    """
    timings = []
    for coder in lineup:
        part = problem.head(n_few) if coder.few else problem
        try:
            timings.append(Timing(coder, part, _get_ready(coder, part, threads)))
        except Exception as error:
            if coder.package is None:
                raise
            # With the other packages here it does not work, which is no reason to stop.
            tell(coder.label, f"failed, {type(error).__name__}: {error}")
    seconds = interleaved({i: timing.coder.run for i, timing in enumerate(timings)}, n_rounds)
    for i, timing in enumerate(timings):
        timing.seconds = seconds[i]
    return timings


def find(timings, kind, **options):
    """The timing of the coder of a class with the options given, or None."""
    for timing in timings:
        coder = timing.coder
        if isinstance(coder, kind) and all(getattr(coder, n) == v for n, v in options.items()):
            return timing
    return None


def support_agreement(timing, timings):
    """Share of samples with the support found by another library's solver of the same method.

    None for that solver itself, and where there is none.
    """
    family = getattr(timing.coder, "family", None)
    for other in timings:
        foreign = not isinstance(other.coder, coders.OursGreedy)
        if foreign and family is not None and getattr(other.coder, "family", None) == family:
            return None if other is timing else same_support(timing.coder.codes, other.coder.codes)
    return None


def _get_ready(coder, problem, threads):
    coder.prepare(problem, threads)
    first, second = (clock(coder.run) for _ in range(2))
    coder.tune()
    coder.run()
    return max(first - second, 0.0)
