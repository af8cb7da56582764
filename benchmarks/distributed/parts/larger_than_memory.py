"""Memory: a file that is larger than it, coded to CSR codes on disk, and learned from."""

import functools
import tempfile
from pathlib import Path

import dask
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from parts.common import chunked, clock, local_cluster
from sparsecode import DictionaryLearning

# After the folder of scripts was found.
from learning_memory import N_COMPONENTS, N_FEATURES, write_samples  # isort: skip
from memory import GIB, peak  # isort: skip

LIMIT = 1.5
ROWS, BATCH = 2048, 4096


def run(report, quick, *, gib, folder):
    """Print peaks of every process; returns what was missed."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path, codes = Path(place) / "samples.npy", Path(place) / "codes"
        codes.mkdir()
        write_samples(path, int(gib * GIB / (4 * N_FEATURES)))
        X = chunked(path, ROWS)
        model = DictionaryLearning(
            N_COMPONENTS, alpha=1.0, batch_size=BATCH, n_epochs=1, random_state=0,
            sparse_output=True,
        )  # fmt: skip
        with local_cluster(2, memory_limit="1.5GiB") as client:
            learning = clock(functools.partial(model.fit, X))
            coding = clock(lambda: _code(model, X, codes))
            peaks = {"client, with the scheduler": peak()}
            peaks |= {f"worker {i}": value for i, value in enumerate(client.run(peak).values())}
        stored = sum(pq.read_metadata(file).num_rows for file in codes.iterdir())
    title = f"{gib:g} GiB: {X.shape[0]} samples of {N_FEATURES} features, {N_COMPONENTS} atoms"
    table = report.table(title, {"": "", "measured": ".3g", "asked": ""})
    table.row("seconds of learning, one epoch", learning, None)
    table.row("seconds of coding to Parquet", coding, None)
    table.row("coefficients on disk", stored, None)
    for name, value in peaks.items():
        table.row(f"peak of {name}, GiB", value, f"at most {LIMIT:g}")
    table.end()
    return [f"{name}: {value:.2f} GiB" for name, value in peaks.items() if value > LIMIT]


def _code(model, X, folder):
    blocks, save = model.transform(X).to_delayed().ravel(), dask.delayed(_save)
    dask.compute(*(save(block, folder / f"{i:06d}.parquet") for i, block in enumerate(blocks)))


def _save(codes, path):
    """Write a chunk of CSR codes, a row of the table for each coefficient."""
    rows = np.repeat(np.arange(codes.shape[0]), np.diff(codes.indptr))
    columns = {"row": rows, "atom": codes.indices, "value": codes.data}
    pq.write_table(pa.table(columns), path)
