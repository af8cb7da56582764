"""Peak memory of online learning from a memory-mapped array that is larger than the memory.

The array is a sparse file of 20 GiB in which one row of many is not zero, so that it takes little
of the disk. One epoch passes over all of it. The peak is the largest resident set that Linux saw,
interpreter, libraries, and mapped pages included. Run: ``python benchmarks/learning_memory.py``.
"""

from __future__ import annotations

import argparse
import mmap
import pathlib
import sys
import tempfile
import time

import numpy as np
from _report import Report
from memory import GIB, peak

from sparsecode import DictionaryLearning

N_FEATURES = 4096
N_COMPONENTS = 64
BATCH_SIZE = 1024
# One of so many rows is not zero.
EVERY = 256
LIMIT = 1.0


def main():
    parser = argparse.ArgumentParser(description="Peak memory of online learning from a file.")
    parser.add_argument("--gib", type=float, default=20, help="size of the array, default 20")
    parser.add_argument("--quick", action="store_true", help="0.1 GiB, to see that it runs")
    parser.add_argument("--folder", help="where the file is made, default the temporary folder")
    arguments = parser.parse_args()
    arguments.gib = 0.1 if arguments.quick else arguments.gib
    report = Report(f"Online learning from {arguments.gib:g} GiB, memory-mapped")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = pathlib.Path(folder) / "samples.npy"
        write_samples(path, int(arguments.gib * GIB / (4 * N_FEATURES)))
        X = np.load(path, mmap_mode="r")
        model = DictionaryLearning(
            N_COMPONENTS, alpha=1.0, batch_size=BATCH_SIZE, n_epochs=1, random_state=0
        )
        begin = time.perf_counter()
        model.fit(X)
        seconds = time.perf_counter() - begin
        most = peak()
        objectives = model.history_["objective"]
        title = f"{X.shape[0]} samples of {X.shape[1]} features, {N_COMPONENTS} atoms, one epoch"
        table = report.table(title, {"": "", "measured": ".3g", "asked": ""})
        table.row("seconds", seconds, None)
        table.row("objective of the first batch", objectives[0], None)
        table.row("of the last 20, mean", np.mean(objectives[-20:]), None)
        table.row("peak memory, GiB", most, f"at most {LIMIT:g}")
    report.finish()
    if most > LIMIT:
        sys.exit(f"above {LIMIT} GiB")


def write_samples(path, n_samples):
    """Write a sparse file of samples, most of which are zero."""
    X = np.lib.format.open_memmap(path, "w+", np.float32, (n_samples, N_FEATURES))
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((N_COMPONENTS, N_FEATURES)).astype(np.float32)
    for start in range(0, n_samples, EVERY * 256):
        rows = np.arange(start, min(start + EVERY * 256, n_samples), EVERY)
        codes = rng.laplace(size=(len(rows), N_COMPONENTS)) * (
            rng.random((len(rows), N_COMPONENTS)) < 0.05
        )
        X[rows] = codes.astype(np.float32) @ atoms
        X.flush()
        # What was written counts as memory of this process, too.
        X._mmap.madvise(mmap.MADV_DONTNEED)


if __name__ == "__main__":
    main()
