"""Progress of a command: a bar on a terminal, a line for each tenth where output goes elsewhere."""

from __future__ import annotations

import time

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sparsecode.estimators._callbacks import HAS_CALLBACKS

_LABEL_WIDTH = 9


class Steps:
    """Steps of some work, each with a figure that shows how it goes.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw, or to print.
    label : str
        What is done, such as "learning".
    total : int
        Number of steps.
    """

    def __init__(self, console, label, total):
        self._console, self._label, self._total = console, label, total
        self._n_done, self._printed, self._start = 0, 0, time.perf_counter()
        self._bar = None
        if console.is_terminal and not console.quiet:
            self._bar = Progress(
                TextColumn(label.ljust(_LABEL_WIDTH)),
                BarColumn(bar_width=None),
                TextColumn("{task.percentage:>3.0f}%"),
                TextColumn("{task.fields[figure]}"),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=console,
            )
            self._task = self._bar.add_task(label, total=total, figure="")
            self._bar.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def advance(self, figure):
        """Tell that a step is done, with its figure, such as "objective 0.5745"."""
        self._n_done += 1
        if self._bar is not None:
            self._bar.update(self._task, advance=1, figure=figure)
            return
        tenth = 10 * self._n_done // self._total
        if tenth > self._printed:
            self._printed = tenth
            seconds = time.perf_counter() - self._start
            share = 100 * self._n_done / self._total
            line = f"{self._label} {share:3.0f} %  {figure}  {seconds:.0f} s"
            self._console.print(line, soft_wrap=True, highlight=False)

    def stop(self):
        """End the drawing."""
        if self._bar is not None:
            self._bar.stop()


def show_progress(model, console):
    """Let an estimator show its objective while it is fitted, where it can."""
    if not HAS_CALLBACKS:
        console.print("Learning. With scikit-learn 1.9 or newer progress would be shown.")
    elif not console.quiet:
        model.set_callbacks(ObjectiveSteps(console))


class ObjectiveSteps:
    """Steps over the epochs of a fit, with the mean objective of each: a scikit-learn callback."""

    def __init__(self, console, label="learning"):
        self._console, self._label = console, label

    def setup(self, estimator, context):
        self._steps = Steps(self._console, self._label, context.max_subtasks)
        self._seen = 0

    def on_fit_task_begin(self, estimator, context):
        """Do nothing: there is nothing to show before an epoch."""

    def on_fit_task_end(self, estimator, context):
        if context.parent is None:
            return
        values = estimator.history_["objective"]
        mean = np.mean(values[self._seen :])
        self._seen = len(values)
        self._steps.advance(f"objective {mean:.4f}")

    def teardown(self, estimator, context):
        self._steps.stop()
