"""Dictionaries that a learner had after some seconds, and what can be read off them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Of a trace that goes on for seconds, dictionaries are kept when time grew by this factor.
_FIRST, _GROWTH = 0.02, 1.2


@dataclass
class Trace:
    """Dictionaries and the seconds of learning behind them; the time of the rest is not counted.

    Attributes
    ----------
    seconds : list of float
    atoms : list of ndarray of shape (n_components, n_features)
    objectives : ndarray of shape (n_dictionaries,), or None
        What `judge` found.
    """

    seconds: list = field(default_factory=list)
    atoms: list = field(default_factory=list)
    objectives: np.ndarray | None = None

    def is_due(self, seconds):
        """Whether enough time passed since the last dictionary that was kept."""
        return not self.seconds or seconds >= max(_FIRST, self.seconds[-1] * _GROWTH)

    def keep(self, seconds, atoms):
        """Keep a copy of the atoms."""
        self.seconds.append(seconds)
        self.atoms.append(np.array(atoms))

    def judge(self, problem, threads=1):
        """Find the held-out objective of every dictionary, and forget all but the last."""
        self.objectives = np.array([problem.judge(a, threads)["value"] for a in self.atoms])
        del self.atoms[:-1]
        return self

    def seconds_to(self, objective):
        """Seconds from which on an objective is reached, between dictionaries by interpolation.

        Infinity if it is not at the end. The first batches may make the start worse: that it was
        better does not count.
        """
        above = np.flatnonzero(self.objectives > objective)
        if len(above) == 0:
            return self.seconds[0]
        last = above[-1]
        if last == len(self.objectives) - 1:
            return np.inf
        pair = slice(last, last + 2)
        # `interp` wants rising abscissae.
        return float(np.interp(-objective, -self.objectives[pair], self.seconds[pair]))

    def objective_after(self, seconds):
        """Held-out objective after some seconds; NaN beyond the end."""
        return float(np.interp(seconds, self.seconds, self.objectives, right=np.nan))
