"""Travel: bytes that each process sends in a batch, with small and large dictionaries."""

import dask.array as da
import numpy as np
from distributed import wait

from parts.common import processes
from parts.scaling import count_bytes, figures
from sparsecode import Dictionary, DictionaryLearning

# Atoms and features, in float64: 64 KiB and 16 MiB.
SIZES = {"64 KiB": (128, 64), "16 MiB": (512, 4096)}
N_WORKERS, N_BATCHES, BATCH = 2, 8, 256


def run(report, quick):
    """Print what each process sends; nothing is asked of it."""
    columns = {"dictionary": "", "client, MB": ".2f", "scheduler, MB": ".2f", "workers, MB": ".2f"}
    columns |= {"in all, MB": ".2f", "dictionaries": ".2f", "seconds": ".3f"}
    title = f"Sent in a batch of {BATCH} samples, {N_WORKERS} workers, mean of {N_BATCHES}"
    table = report.table(title, columns)
    with processes(N_WORKERS) as client:
        client.wait_for_workers(N_WORKERS)
        client.run(count_bytes), client.run_on_scheduler(count_bytes), count_bytes()
        for name, (n_atoms, n_features) in list(SIZES.items())[: 1 if quick else None]:
            sent, seconds = _sent(client, n_atoms, n_features)
            total = sum(sent.values())
            table.row(
                name, *(n / 1e6 for n in sent.values()), total / 1e6,
                total / (8 * n_atoms * n_features), seconds,
            )  # fmt: skip
    table.end()
    return []


def _sent(client, n_atoms, n_features):
    """Bytes that client, scheduler and workers send in a batch, and its seconds."""
    atoms = Dictionary.random(n_atoms, n_features, random_state=0)
    rng = da.random.default_rng(0)
    rows = BATCH * N_BATCHES // 8
    X = rng.standard_normal((BATCH * N_BATCHES, n_features), chunks=(rows, n_features)).persist()
    wait(X)
    model = DictionaryLearning(
        n_atoms, alpha=0.9 * np.sqrt(2 * np.log(n_atoms)), init=atoms, batch_size=BATCH,
        n_epochs=1, random_state=0, replacement=None,
    )  # fmt: skip
    model.fit(X)
    before = _now(client)
    model.fit(X)
    after = _now(client)
    sent = {who: (after[who][1] - before[who][1]) / N_BATCHES for who in before}
    return sent, (after["client"][2] - before["client"][2]) / N_BATCHES


def _now(client):
    parts = list(client.run(figures).values())
    workers = tuple(sum(column) for column in zip(*parts, strict=True))
    return {"client": figures(), "scheduler": client.run_on_scheduler(figures), "workers": workers}
