"""A progress bar that shows the objective, as a scikit-learn callback."""

from __future__ import annotations

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class ObjectiveBar:
    """One bar over the epochs of a fit, with the mean objective of the last epoch.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw.
    """

    def __init__(self, console):
        self.console = console

    def setup(self, estimator, context):
        self._progress = Progress(
            TextColumn("learning"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("objective {task.fields[objective]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console,
        )
        self._task = self._progress.add_task("fit", total=context.max_subtasks, objective="...")
        self._seen = 0
        self._progress.start()

    def on_fit_task_begin(self, estimator, context):
        """Do nothing: there is nothing to draw before an epoch."""

    def on_fit_task_end(self, estimator, context):
        if context.parent is None:
            return
        values = estimator.history_["objective"]
        mean = np.mean(values[self._seen :])
        self._seen = len(values)
        self._progress.update(self._task, advance=1, objective=f"{mean:.4f}")

    def teardown(self, estimator, context):
        self._progress.stop()
