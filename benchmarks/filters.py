"""The whole ``sparsecode filters`` command: seconds, peak memory, and what was learned.

Run: ``python benchmarks/filters.py``.
"""

from __future__ import annotations

import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import click
import numpy as np
from _common import quick_option
from _report import Report

from sparsecode import Dictionary
from sparsecode.receptive_fields import fit_gabors, gabor_patches

COLUMNS = {"": "", "measured": ".2f", "asked": ""}
SMALL = ("--patch-size", "8", "--n-patches", "5000", "--n-epochs", "2")


@click.command()
@quick_option
def main(quick):
    """Run the command, and print what it took and learned."""
    report = Report("sparsecode filters, the bundled photographs")
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "filters.png"
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "sparsecode", "filters", "--out", str(out), *(SMALL * quick)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        learned = out.with_name("filters-table.txt").read_text(encoding="utf-8")
        Dictionary.load(out.with_suffix(".safetensors"))
    _tell_learned(report, learned)
    table = report.table("The whole command, and fits of Gabor functions", COLUMNS)
    table.row("whole command, s", seconds, "under 180 s")
    table.row("peak memory, GiB", peak, "under 2 GiB")
    _time_fits(table, 32 if quick else 256)
    report.finish()


def _tell_learned(report, text):
    """What the command says of the filters: a title, and lines of a name and a value."""
    title, *lines = text.splitlines()
    rows = [[part.strip() for part in line.strip("│ ").split("│")] for line in lines]
    table = report.table(title, {"": "", "value": ""})
    for row in rows:
        if len(row) == 2:
            table.row(*row)
    table.end()


def _time_fits(table, n_atoms):
    rng = np.random.default_rng(0)
    atoms = gabor_patches(
        (16, 16),
        center_x=rng.uniform(4, 11, n_atoms),
        center_y=rng.uniform(4, 11, n_atoms),
        orientation=rng.uniform(0, np.pi, n_atoms),
        frequency=rng.uniform(0.08, 0.4, n_atoms),
        phase=rng.uniform(-np.pi, np.pi, n_atoms),
        width_x=rng.uniform(1, 3, n_atoms),
        width_y=rng.uniform(1, 4, n_atoms),
    )
    atoms = atoms.reshape(n_atoms, -1) + 0.02 * rng.standard_normal((n_atoms, 256))
    fit_gabors(atoms[:2], (16, 16))
    begin = time.perf_counter()
    fits = fit_gabors(atoms, (16, 16))
    seconds = time.perf_counter() - begin
    table.row(f"{n_atoms} Gabor fits of 16x16, s", seconds, "under 10 s")
    table.row("smallest R^2 of these", fits.r2.min(), None)


if __name__ == "__main__":
    main()
