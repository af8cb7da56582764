"""Dask: equality with one process, speed, scaling, bytes and memory, on clusters of this machine.

Run: ``python benchmarks/distributed/table.py [equality speed scaling travel memory]``.
"""

from __future__ import annotations

import sys

import click
from parts import equality, larger_than_memory, scaling, speed, travel
from parts.common import Report

PARTS = ("equality", "speed", "scaling", "travel", "memory")


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option(
    "--samples",
    type=click.IntRange(1000),
    default=2_000_000,
    show_default=True,
    help="Patches to code in the part on speed.",
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--gib",
    type=click.FloatRange(0, min_open=True),
    default=4.0,
    show_default=True,
    help="Size of the file in the part on memory.",
)
@click.option("--folder", type=click.Path(exists=True), help="Where this file is made.")
@click.option("--quick", is_flag=True, help="Small sizes, to see that it runs.")
def main(parts, samples, rounds, gib, folder, quick):  # fmt: skip
    """Print the tables of PARTS, by default all."""
    report = Report("Dask: equality, speed, scaling and memory" + (", quick" if quick else ""))
    samples, rounds, gib = (4000, 1, 0.05) if quick else (samples, rounds, gib)
    runs = {
        "equality": lambda: equality.run(report, quick),
        "speed": lambda: speed.run(report, quick, n_samples=samples, rounds=rounds),
        "scaling": lambda: scaling.run(report, quick),
        "travel": lambda: travel.run(report, quick),
        "memory": lambda: larger_than_memory.run(report, quick, gib=gib, folder=folder),
    }
    missed = [reason for part in parts or PARTS for reason in runs[part]()]
    if missed and not quick:
        report.note("Missed: " + "; ".join(missed) + ".")
    report.finish()
    if missed and not quick:
        sys.exit("; ".join(missed))


if __name__ == "__main__":
    main()
