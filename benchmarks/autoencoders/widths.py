"""Samples a second of a TopK autoencoder against its width, and the memory of the widest.

512 features, k 32, float32, Adam. Speed is the median step of batches of 1024; the peak is that of
a fit of the widest with batches of 4096, interpreter and libraries included. Run:
``python benchmarks/autoencoders/widths.py``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from _report import Report
from memory import peak

from sparsecode import SparseAutoencoder
from sparsecode.encoders import TopK

N_FEATURES, K = 512, 32
BATCH_SIZE, LARGE_BATCH = 1024, 4096
LIMIT = 2.5


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[1024, 4096, 16384, 32768])
    parser.add_argument("--n-steps", type=int, default=6, help="of a fit")
    parser.add_argument("--only-memory", type=int, help="width of one fit, whose peak is printed")
    options = parser.parse_args(arguments)
    if options.only_memory:
        seconds_of_steps(options.only_memory, LARGE_BATCH, options.n_steps)
        print(peak())
        return
    report = Report("TopK autoencoders of 512 features, k 32: speed against width, and memory")
    columns = {"units": "d", "ms a step": ".1f", "samples/s": ".0f"}
    table = report.table(f"Training steps, batches of {BATCH_SIZE}", columns)
    for width in options.widths:
        taken = seconds_of_steps(width, BATCH_SIZE, options.n_steps)
        median = np.median(taken)
        table.row(width, 1e3 * median, BATCH_SIZE / median, repetitions=taken)
    widest = max(options.widths)
    command = [sys.executable, __file__, "--only-memory", str(widest)]
    command += ["--n-steps", str(options.n_steps)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    most = float(printed.split()[-1])
    table = report.table("Peak memory of a fit", {"": "", "GiB": ".2f", "asked": ""})
    table.row(f"{widest} units, batches of {LARGE_BATCH}", most, f"at most {LIMIT:g}")
    report.finish()


def seconds_of_steps(width, batch_size, n_steps):
    """Of every step but the first of a fit, in two epochs."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_steps * batch_size, N_FEATURES), dtype=np.float32)
    clock = []

    def told(X, rng):
        clock.append(time.perf_counter())
        return X

    model = SparseAutoencoder(
        width,
        encoder=TopK(k=K),
        batch_size=batch_size,
        n_epochs=2,
        shuffle=False,
        corrupt=told,
        random_state=0,
    )
    model.fit(X)
    # Between the epochs the state is copied.
    return np.delete(np.diff(clock)[1:], n_steps - 2)


if __name__ == "__main__":
    main()
