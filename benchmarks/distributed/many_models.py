"""Five models in one pass over a memory map, against reading and five trainings in memory.

The file is sparse: a quarter of its blocks has samples, and the others read as zeros. Reading is
one pass that sums the blocks; each training is a ``fit`` on the same blocks, from memory. Run:
``python benchmarks/distributed/many_models.py --gib 20``.
"""

from __future__ import annotations

import pathlib
import sys
import tempfile
import time
from functools import partial

import click
import numpy as np
from parts.common import Report, clock

from sparsecode import SparseAutoencoder
from sparsecode.datasets import iter_blocks
from sparsecode.encoders import ReLU, TopK
from sparsecode.model_selection import fit_many

N_FEATURES, N_COMPONENTS, ROWS = 4096, 64, 4096
# One of so many blocks has samples.
EVERY = 4
MOST = 1.6


def networks():
    """Five models of other sparsity, width and seed."""
    sizes = {"batch_size": 1024, "random_state": 0}
    made = [SparseAutoencoder(N_COMPONENTS, encoder=TopK(k), **sizes) for k in (2, 4, 8)]
    made.append(SparseAutoencoder(N_COMPONENTS // 2, encoder=TopK(4), **sizes))
    made.append(SparseAutoencoder(N_COMPONENTS // 2, encoder=ReLU(), alpha=1.0, **sizes))
    return made


@click.command()
@click.option(
    "--gib",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Size of the file.",
)
@click.option("--folder", type=click.Path(exists=True), help="Where this file is made.")
@click.option("--quick", is_flag=True, help="Small sizes, to see that it runs.")
def main(gib, folder, quick):
    """Print the seconds of both, and their ratio."""
    gib = 0.05 if quick else gib
    report = Report(f"Five models in one pass over {gib:g} GiB, memory-mapped")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = pathlib.Path(place) / "samples.npy"
        n_samples = int(gib * 2**30 / (4 * N_FEATURES))
        block = _write(path, n_samples)
        n_blocks = -(-n_samples // ROWS)

        zeros = np.zeros_like(block)

        def in_memory():
            lengths = (min(ROWS, n_samples - i * ROWS) for i in range(n_blocks))
            return (
                (block if _is_written(i, n_blocks) else zeros)[:n] for i, n in enumerate(lengths)
            )

        for model in networks():
            # Kernels are compiled before anything is measured.
            model.fit(block[:2048] for _ in range(2))
        fit_many(networks(), block[:2048], rows=1024)
        reading = _seconds(partial(_read, path))
        alone = [_seconds(partial(model.fit, in_memory())) for model in networks()]
        together = _seconds(partial(fit_many, networks(), path, rows=ROWS, random_state=0))
    columns = {"": "", "seconds": ".3g", "of processors": ".3g", "asked": ""}
    table = report.table(f"{n_samples} samples of {N_FEATURES} features, float32", columns)
    table.row("reading", *reading, None)
    for model, seconds in zip(networks(), alone, strict=True):
        name = f"{type(model.encoder).__name__}, {model.n_components} units"
        table.row(name, *seconds, None)
    total = reading + np.sum(alone, axis=0)
    table.row("reading and five trainings", *total, None)
    table.row("five models in one pass", *together, f"at most {MOST * total[0]:.3g}")
    table.end()
    ratio, of_processors = together / total
    note = f"Ratio of seconds: {ratio:.2f}; asked: at most {MOST:g}."
    report.note(f"{note} Ratio of seconds of processors: {of_processors:.2f}.")
    report.finish()
    if ratio > MOST and not quick:
        sys.exit(f"above {MOST:g} times")


def _write(path, n_samples):
    """Make the file; return a block of its samples."""
    rng = np.random.default_rng(0)
    shape = min(ROWS, n_samples), N_COMPONENTS
    codes = rng.exponential(size=shape) * (rng.random(shape) < 0.05)
    atoms = rng.standard_normal((N_COMPONENTS, N_FEATURES))
    block = (codes @ atoms).astype(np.float32)
    X = np.lib.format.open_memmap(path, "w+", np.float32, (n_samples, N_FEATURES))
    n_blocks = -(-n_samples // ROWS)
    for i in range(n_blocks):
        if _is_written(i, n_blocks):
            rows = X[i * ROWS : (i + 1) * ROWS]
            rows[:] = block[: len(rows)]
    X.flush()
    return block


def _is_written(i, n_blocks):
    """Whether a block has samples; the last one has."""
    return (n_blocks - 1 - i) % EVERY == 0


def _seconds(run):
    """Seconds of a call, and of the processors in it."""
    before = time.process_time()
    return np.array([clock(run), time.process_time() - before])


def _read(path):
    for block in iter_blocks(path, rows=ROWS, shuffle=True, random_state=0):
        block.sum()


if __name__ == "__main__":
    main()
