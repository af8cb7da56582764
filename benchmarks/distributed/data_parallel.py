"""Gradients in parts on two workers of one thread, against streaming to one process.

Both train on the same Dask array, which the workers hold. The streaming process uses two threads,
as many as the workers have together. The ratio is that of the seconds of a step. Seconds of
processors, which other programs do not change, are those of the streaming process and its workers,
and of this process (with the scheduler) and of the workers in parts. Bytes are those of the
parameters, which travel to each worker once a step, and of the gradients that come back. Run:
``python benchmarks/distributed/data_parallel.py``.
"""

from __future__ import annotations

import time

import click
import dask.array as da
import numpy as np
from parts.common import Report, clock, local_cluster

import sparsecode.distributed.gradients as gradients
from sparsecode import SparseAutoencoder
from sparsecode.distributed import data_parallel
from sparsecode.encoders import ReLU, TopK

N_FEATURES, N_WORKERS, N_STEPS = 512, 2, 3
MIB = 2**20


@click.command()
@click.option("--widths", type=int, multiple=True, default=(1024, 4096), show_default=True)
@click.option("--batches", type=int, multiple=True, default=(1024, 8192), show_default=True)
@click.option("--quick", is_flag=True, help="Small sizes, to see that it runs.")
def main(widths, batches, quick):
    """Print the seconds of a step, and the bytes that travel, for each width and batch."""
    if quick:
        widths, batches = (64,), (256,)
    report = Report("Gradients in parts on two workers, against streaming")
    columns = {
        "units, samples a step": "",
        "streaming s": ".3g",
        "parts s": ".3g",
        "ratio": ".2f",
        "streaming CPU": ".3g",
        "own CPU": ".3g",
        "workers' CPU": ".3g",
        "params MiB": ".3g",
        "grads MiB": ".3g",
    }
    with local_cluster(N_WORKERS) as client:
        X = da.random.default_rng(0).standard_normal(
            (N_STEPS * max(batches), N_FEATURES), chunks=(max(max(batches) // 4, 1), N_FEATURES)
        )
        X = X.astype(np.float32).persist()
        for encoder in (ReLU(), TopK(32)):
            table = report.table(type(encoder).__name__, columns)
            for width in widths:
                for batch in batches:
                    table.row(f"{width}, {batch}", *_measured(client, X, encoder, width, batch))
            table.end()
    report.finish()


def _measured(client, X, encoder, width, batch):
    """Seconds of a step of both, and of processors, and MiB of parameters and of gradients."""
    model = SparseAutoencoder(
        width, encoder=encoder, alpha=0.1, batch_size=batch, random_state=0, n_jobs=N_WORKERS
    )
    X = X[: N_STEPS * batch].rechunk((batch // 4, N_FEATURES)).persist()
    sent = []
    original = gradients.of_parts

    def counted(*args, **kwargs):
        result, grads = original(*args, **kwargs)
        sent.append(sum(_n_bytes(grad) for grad in grads.values()))
        return result, grads

    gradients.of_parts = counted
    try:
        # The first call draws the parameters, and compiles.
        model.partial_fit(X)
        streaming = _least(client, lambda: model.partial_fit(X))
        with data_parallel(2 * N_WORKERS):
            model.partial_fit(X)
            parts = _least(client, lambda: model.partial_fit(X))
    finally:
        gradients.of_parts = original
    params = {**model.encoder_.params, "atoms": model.components_}
    n_bytes = sum(array.nbytes for array in params.values())
    ratio, of_streaming = streaming[0] / parts[0], streaming[1] + streaming[2]
    n_sent = np.mean(sent) / MIB
    return streaming[0], parts[0], ratio, of_streaming, *parts[1:], n_bytes / MIB, n_sent


def _least(client, run):
    """Seconds of a step, and of the processors in this process and in the workers."""
    rounds = []
    for _ in range(2):
        before = _of_processors(client)
        rounds.append([clock(run), *(_of_processors(client) - before)])
    return np.min(rounds, axis=0) / N_STEPS


def _of_processors(client):
    return np.array([time.process_time(), sum(client.run(time.process_time).values())])


def _n_bytes(grad):
    """Bytes of a gradient as it travels."""
    if isinstance(grad, np.ndarray):
        return grad.nbytes
    return sum(codes.indices.nbytes + rows.nbytes for codes, rows, _ in grad.products)


if __name__ == "__main__":
    main()
