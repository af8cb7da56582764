"""Dictionaries that a learner had after some seconds, and what can be read off them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Of a trace that goes on for seconds, dictionaries are kept when time grew by this factor.
_FIRST, _GROWTH = 0.02, 1.15


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
        """Seconds until an objective was first reached, between dictionaries by interpolation.

        Infinity if it never was.
        """
        reached = np.flatnonzero(self.objectives <= objective)
        if len(reached) == 0:
            return np.inf
        last = reached[0]
        if last == 0:
            return self.seconds[0]
        pair = slice(last - 1, last + 1)
        # `interp` wants rising abscissae.
        return float(np.interp(-objective, -self.objectives[pair], self.seconds[pair]))

    def objective_after(self, seconds):
        """Held-out objective after some seconds; NaN beyond the end."""
        return float(np.interp(seconds, self.seconds, self.objectives, right=np.nan))
