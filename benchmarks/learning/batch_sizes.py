"""Batch sizes of online learning: the held-out objective after the same seconds with each of them.

The problems are in `benchmark_utils.workloads`. Run: ``python benchmarks/learning/batch_sizes.py
[--threads 2] [A B]``.
"""

from __future__ import annotations

import click
import numpy as np
from benchmark_utils import workloads
from benchmark_utils.common import Report
from benchmark_utils.learners import Ours
from benchmark_utils.race import race
from benchmark_utils.workloads import WORKLOADS
from threadpoolctl import ThreadpoolController

SIZES = (256, 512, 1024, 2048, 4096, 8192)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(WORKLOADS)))
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--quick", is_flag=True, help="Small problems and times, to see that all runs.")
def main(names, threads, rounds, quick):
    """Print the table for the workloads NAMES, by default all."""
    report = Report(f"Batch sizes of online learning, {threads} thread(s)")
    marks = (0.1, 0.2) if quick else (0.2, 0.5, 1, 2, 4)
    learners = [Ours(batch_size=size) for size in (SIZES[:3] if quick else SIZES)]
    with ThreadpoolController().limit(limits=threads):
        for name in names or WORKLOADS:
            problem = workloads.load(name, quick=quick)
            learners[0].prepare(problem, threads)
            learners[0].warm_up()
            traces = race([(learner, marks[-1]) for learner in learners], problem, rounds, threads)
            columns = {"samples in a batch": "", **{f"{mark} s": ".4f" for mark in marks}}
            table = report.table(f"{name}: median objective after some seconds", columns)
            for learner, mine in zip(learners, traces, strict=True):
                values = [np.median([t.objective_after(mark) for t in mine]) for mark in marks]
                table.row(str(learner.batch_size), *values)
            table.end()
    report.finish()


if __name__ == "__main__":
    main()
