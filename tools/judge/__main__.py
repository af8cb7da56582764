"""Judge the solvers: random problems, claims held against extended precision.

Run ``python tools/judge --n 20000``. Every fault is printed with its seed; ``--seed S --n 1`` draws
that problem again. The exit code is 1 if there was a fault.
"""

from __future__ import annotations

import re
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent))

from court import faults_of
from problems import draw


@click.command(help=__doc__)
@click.option("--n", "n_tasks", type=click.IntRange(1), default=20000, show_default=True)
@click.option("--seed", "first", type=click.IntRange(0), default=0, show_default=True)
@click.option("--solver", default=None, help="Regular expression for names of solvers.")
@click.option(
    "--show", type=click.IntRange(0), default=20, show_default=True, help="Faults to print."
)
def main(n_tasks, first, solver, show):
    only = None if solver is None else re.compile(solver)
    counts, claims, shown, start = Counter(), Counter(), 0, time.perf_counter()
    for seed in range(first, first + n_tasks):
        task = draw(seed, only)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            faults, n_claims = faults_of(task)
        claims["samples"] += len(task.X)
        claims["claimed"] += n_claims
        for kind, detail in faults:
            counts[kind, type(task.solver).__name__] += 1
            if shown < show:
                shown += 1
                click.echo(f"seed {seed}: {kind}: {detail}\n    {task}")
    seconds = time.perf_counter() - start
    click.echo(f"{n_tasks} problems, {claims['samples']} samples, {seconds:.0f} s")
    click.echo(f"{claims['claimed']} claims")
    for (kind, name), count in sorted(counts.items()):
        click.echo(f"{count:7d} {kind}: {name}")
    click.echo("no fault" if not counts else f"{sum(counts.values())} faults")
    sys.exit(bool(counts))


if __name__ == "__main__":
    main()
