"""First call of estimators and solvers in a new process that has no compiled kernels.

Every call is a process of its own with an empty cache, in turn; then the same with the cache that
it left. Imports are not counted. Run: ``python benchmarks/first_call.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import click
import numpy as np
from _common import quick_option
from _report import Report

PREPARE = """
import time
import numpy as np
from sparsecode import *
from sparsecode import LISTA
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import FISTA, OMP
dictionary = Dictionary.random(128, 64, random_state=0)
X = np.random.default_rng(0).standard_normal((500, 64))
coder = SparseCoder(dictionary, alpha=0.5).fit(X)
begin = time.perf_counter(), time.process_time()
{call}
print(time.perf_counter() - begin[0], time.process_time() - begin[1])
"""
# The call, and the seconds that were asked.
CALLS = {
    "SparseCoder.transform": ("coder.transform(X)", 5),
    "OMP.solve": ("OMP().solve(X, dictionary, KSparse(5))", 3),
    "FISTA.solve": ("FISTA().solve(X, dictionary, L1(0.5))", 3),
    "DictionaryLearning.fit": (
        "DictionaryLearning(128, alpha=0.5, n_epochs=1, random_state=0).fit(X)",
        6,
    ),
    "LISTA.fit": (
        "LISTA(dictionary=dictionary, alpha=0.5, n_epochs=1, random_state=0).fit(X)",
        6,
    ),
    "SparseAutoencoder.fit": (
        "SparseAutoencoder(128, alpha=0.5, n_epochs=1, random_state=0).fit(X)",
        3,
    ),
}
COLUMNS = {"first call": "", "asked, s": "d", "seconds": ".2f", "of CPU": ".2f"}
COLUMNS |= {"from disk": ".2f", "from disk, CPU": ".2f"}


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@quick_option
def main(rounds, quick):
    """Print the seconds of first calls."""
    report = Report("First call in a new process")
    rounds = 1 if quick else rounds
    table = report.table("With an empty cache of kernels, and with one on disk; medians", COLUMNS)
    for name in list(CALLS)[1:2] if quick else CALLS:
        code, asked = CALLS[name]
        rows = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                rows.append([*_seconds(code, folder), *_seconds(code, folder)])
        table.row(name, asked, *np.median(rows, axis=0), repetitions=rows)
    report.finish()


def _seconds(call, folder):
    """Seconds on the clock, and of CPU, of a call in a process of its own."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
    command = [sys.executable, "-W", "ignore", "-c", PREPARE.format(call=call)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()[-2:]]


if __name__ == "__main__":
    main()
