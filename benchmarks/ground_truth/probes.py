"""Ceiling of linear detectors: a logistic regression for some of the true features."""

from __future__ import annotations

import itertools
import time

import numpy as np

from sparsecode.model_selection import probe_scores

# Features of a group that are probed, of as many groups by their rate: each takes seconds.
A_GROUP, GROUPS = 4, 4


def probes(report, task):
    """Scores of features from frequent to rare, of those that a model has room for."""
    edges = np.linspace(0, task.setting.width, GROUPS + 1).astype(int)
    groups = [
        np.linspace(low, high - 1, A_GROUP).astype(int) for low, high in itertools.pairwise(edges)
    ]
    begin = time.process_time()
    found = probe_scores(
        task.mixture,
        np.concatenate(groups),
        n_samples=task.n_judge,
        n_test=task.n_judge,
        random_state=1,
    )
    seconds = time.process_time() - begin
    columns = {"features": "", "precision": ".3f", "recall": ".3f", "F1": ".3f"}
    table = report.table("Linear probes: a logistic regression for each feature", columns)
    scores = np.array([found.precision, found.recall, found.f1])
    for g, group in enumerate(groups):
        part = scores[:, g * A_GROUP : (g + 1) * A_GROUP]
        table.row(f"{A_GROUP} from {group[0]} to {group[-1]}", *part.mean(axis=1))
    table.row("all of these", *scores.mean(axis=1))
    table.end()
    report.note(f"{scores.shape[1]} probes took {seconds:.0f} s of CPU.")
