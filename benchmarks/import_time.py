"""Cost of ``import sparsecode``, and of the first solve in a new process with a warm cache.

Whole processes with the start of Python, interleaved; medians. Each ratio is to the import of the
libraries that every estimator needs. ``import sparsecode`` leaves these to the first use of a name.
Run: ``python benchmarks/import_time.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import click
import numpy as np
from _common import interleaved, quick_option
from _report import Report

N_ROUNDS = 11
LIBRARIES = "import numpy, scipy, numba, sklearn"
FIRST_SOLVE = """
import time
import numpy as np
from sparsecode import SparseCoder
rng = np.random.default_rng(0)
atoms = rng.standard_normal((256, 64))
coder = SparseCoder(atoms / np.linalg.norm(atoms, axis=1, keepdims=True), alpha=0.5)
X = rng.standard_normal((100, 64))
begin = time.perf_counter()
coder.fit(X).transform(X)
print(time.perf_counter() - begin)
"""
N_COMPILED = """
from numba.core import event
with event.install_recorder("numba:compile") as recorder:
    from sparsecode import *
print(len(recorder.buffer))
"""
IMPORTS = {
    "import sparsecode": "ratio at most 0.5",
    "from sparsecode import SparseCoder": "ratio at most 1.3",
    "from sparsecode import *": "ratio at most 1.3",
}
COLUMNS = {"": "", "seconds": ".2f", "ratio": ".2f", "asked": ""}
# An installed package has its bytecode.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=N_ROUNDS, show_default=True)
@quick_option
def main(rounds, quick):
    """Print the seconds of imports, and of a first solve."""
    rounds = 1 if quick else rounds
    report = Report("Import time and first solve")
    table = report.table("Whole processes; ratios to the import of the libraries", COLUMNS)
    runs = {code: partial(_python, code) for code in ("pass", LIBRARIES, *IMPORTS)}
    if not quick:
        interleaved(runs, 1)
    seconds = interleaved(runs, rounds)
    base = seconds[LIBRARIES]
    for code, values in seconds.items():
        ratio = np.median(values / base)
        table.row(code, np.median(values), ratio, IMPORTS.get(code), repetitions=values)
    table.row("functions compiled by the import", _python(N_COMPILED), None, "0")
    _python(FIRST_SOLVE)
    first = [float(_python(FIRST_SOLVE)) for _ in range(rounds)]
    label = "first fit and transform, warm disk cache"
    table.row(label, np.median(first), None, "under 1 s", repetitions=first)
    report.finish()


def _python(code):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
