"""Learners in turn on one problem, each from the same starts, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Target:
    """An objective that somebody reached, once a round, and who reached it when.

    Attributes
    ----------
    label : str
    seconds, objectives : ndarray of shape (n_rounds,)
    reached : dict of str to ndarray of shape (n_rounds,)
        For each label of ours the seconds to this objective.
    """

    label: str
    seconds: np.ndarray
    objectives: np.ndarray
    reached: dict

    def ratio(self, label):
        """How many times faster a learner was, the median of the rounds."""
        with np.errstate(divide="ignore"):
            return float(np.median(self.seconds / self.reached[label]))


def best(candidates, problem, seconds, threads, n_rounds=1):
    """The learner with the lowest held-out objective after some seconds, the mean of rounds."""
    found = np.zeros(len(candidates))
    for _ in range(n_rounds):
        for i, learner in enumerate(candidates):
            learner.prepare(problem, threads)
            learner.warm_up()
            found[i] += problem.judge(learner.run(seconds).atoms[-1], threads)["value"]
    return candidates[int(found.argmin())]


def race(runs, problem, n_rounds, threads):
    """Traces of every run, in turn, each round from another start.

    Parameters
    ----------
    runs : list of (Learner, float)
        Who learns, and for how many seconds.
    problem : Learning
    n_rounds : int
    threads : int

    Returns
    -------
    traces : list of list of Trace
        For every run, those of the rounds, judged.
    """
    traces = [[] for _ in runs]
    for seed in range(1, n_rounds + 1):
        started = problem.started(seed)
        for mine, (learner, seconds) in zip(traces, runs, strict=True):
            learner.prepare(started, threads)
            mine.append(learner.run(seconds))
        for mine in traces:
            mine[-1].judge(problem, threads)
    return traces


def targets(theirs, traces, ours):
    """What competitors reached, and how long ours took for that in the same round.

    Parameters
    ----------
    theirs : list of (str, list of Trace)
        Label and traces of every run of a competitor; the end of each trace is a target.
    traces : dict of str to list of Trace
    ours : list of str
        Keys of `traces`.
    """
    found = []
    for label, rounds in theirs:
        seconds = np.array([trace.seconds[-1] for trace in rounds])
        goals = np.array([trace.objectives[-1] for trace in rounds])
        reached = {
            key: np.array([t.seconds_to(goal) for t, goal in zip(traces[key], goals, strict=True)])
            for key in ours
        }
        found.append(Target(label, seconds, goals, reached))
    return found
