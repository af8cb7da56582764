"""Exact coding with the vector instructions of older processors, in processes of their own.

``NUMBA_CPU_NAME`` sets the processor that kernels are compiled for: x86-64-v2 has vectors of 128
bits, v3 of 256 bits (AVX2), v4 of 512 bits. BLAS keeps the kernels of this machine. Run: ``python
benchmarks/portability.py``.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import click
import numpy as np
from _common import patches, quick_option
from _report import Report

PROCESSORS = ("", "x86-64-v4", "x86-64-v3", "x86-64-v2")
# Size of a patch, number of atoms, weight of l1, nonzeros of a pursuit, samples.
PROBLEMS = {"A": (8, 256, 0.7, 8, 4096), "B": (16, 1024, 1.1, 15, 512)}
N_ROUNDS = 5
COLUMNS = {"": "", "microseconds": ".2f", "x this processor": ".2f"}


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=N_ROUNDS, show_default=True)
@click.option("--inside", is_flag=True, hidden=True, help="Measure in this process.")
@quick_option
def main(rounds, inside, quick):
    """Print microseconds a sample for each kind of processor."""
    if inside:
        print(json.dumps(_measure(1 if quick else rounds, quick)))
        return
    report = Report("Coding with the vector instructions of older processors, one thread")
    processors = PROCESSORS[::3] if quick else PROCESSORS
    if platform.machine() not in ("x86_64", "AMD64"):
        processors = PROCESSORS[:1]
        report.note("Other processors are named for x86-64 only.")
    found = {name: _in_process(name, rounds, quick) for name in processors}
    for case, own in found[""].items():
        table = report.table(case, COLUMNS)
        for name, values in found.items():
            ratio = np.median(values[case]) / np.median(own)
            label = name or "this processor"
            table.row(label, np.median(values[case]), ratio, repetitions=values[case])
        table.end()
    report.finish()


def _in_process(name, rounds, quick):
    options = ["--inside", "--rounds", str(rounds), *(["--quick"] if quick else [])]
    # No features of this machine besides those that the name stands for.
    chosen = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": ""} if name else {}
    done = subprocess.run(
        [sys.executable, __file__, *options],
        env=os.environ | chosen, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def _measure(rounds, quick):
    """Microseconds a sample of every case, each round."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return {
            f"{name}, {label}": _micros(run, n_samples, rounds)
            for name in (list(PROBLEMS)[:1] if quick else PROBLEMS)
            for label, run, n_samples in _cases(*PROBLEMS[name], quick)
        }


def _cases(patch_size, n_components, alpha, n_nonzero, n_samples, quick):
    from sparsecode import Dictionary
    from sparsecode.penalties import L1, KSparse
    from sparsecode.solvers import OMP, FeatureSign

    n_samples = n_samples // 16 if quick else n_samples
    X = patches(patch_size, 2 * n_samples + n_components).astype(np.float64)
    atoms, X = X[-n_components:], X[:n_samples]
    dictionary = Dictionary(atoms / np.linalg.norm(atoms, axis=1, keepdims=True))
    single = X.astype(np.float32), dictionary.astype(np.float32)
    runs = {
        "lasso float64": lambda: FeatureSign().solve(X, dictionary, L1(alpha), n_jobs=1),
        "lasso float32": lambda: FeatureSign().solve(*single, L1(alpha), n_jobs=1),
        "OMP float64": lambda: OMP().solve(X, dictionary, KSparse(n_nonzero), n_jobs=1),
    }
    return [(label, run, n_samples) for label, run in runs.items()]


def _micros(run, n_samples, rounds):
    from time import process_time

    run()
    seconds = []
    for _ in range(rounds):
        begin = process_time()
        run()
        seconds.append(1e6 * (process_time() - begin) / n_samples)
    return seconds


if __name__ == "__main__":
    main()
