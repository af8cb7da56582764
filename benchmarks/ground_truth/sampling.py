"""Samples that a feature mixture draws in a second, alone and while a network trains.

Run: ``python benchmarks/ground_truth/sampling.py [--rounds 5] [--quick]``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _common import quick_option
from _report import Report

from sparsecode.datasets import make_feature_mixture

ASKED = 40_000


def speed(mixture, n_samples, n_jobs):
    """Samples a second on the clock, and in a second of the processor."""
    begin = time.perf_counter(), time.process_time()
    mixture.sample(n_samples, random_state=0, n_jobs=n_jobs)
    seconds = time.perf_counter() - begin[0], time.process_time() - begin[1]
    return [n_samples / one for one in seconds]


@click.command()
@click.option("--rounds", default=5, show_default=True)
@quick_option
def main(rounds, quick):
    """Print the speed of every preset on one and two threads."""
    report = Report("Samples of a feature mixture, with codes, a second" + (", quick" * quick))
    n_samples, rounds = (512, 1) if quick else (16_384, rounds)
    columns = {"preset": "", "threads": "", "samples/s": ",.0f", "a CPU second": ",.0f"}
    table = report.table("Median of the rounds", {**columns, "active": ".1f", "asked": ""})
    for preset in ("1k",) if quick else ("1k", "4k", "16k"):
        mixture = make_feature_mixture(preset, n_steps=0, random_state=0)
        active = mixture.sample(4096, random_state=1).codes.nnz / 4096
        for n_jobs in (1, 2):
            speeds = np.array([speed(mixture, n_samples, n_jobs) for _ in range(rounds)])
            wall, cpu = np.median(speeds, axis=0)
            verdict = None
            if preset == "16k" and n_jobs == 2:
                verdict = f"{ASKED:,}: {'yes' if wall >= ASKED else 'no'}"
            row = preset, str(n_jobs), wall, cpu, active, verdict
            table.row(*row, repetitions=speeds[:, 0])
    table.end()
    report.finish()


if __name__ == "__main__":
    main()
