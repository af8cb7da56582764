"""Speed: two workers of one thread against one process with two threads, on one machine."""

import tempfile
from pathlib import Path

import numpy as np

from parts.common import chunked, clock, local_cluster, problem_of, write_patches
from sparsecode import DictionaryLearning, SparseCoder

ASKED = {"coding": 0.9, "learning": 0.8}
NOTE = """\
Both sides read the file. "Collected" also sends all codes to one process, over loopback, and puts
them together: nothing is asked of it, nor of small batches."""
# Batches of online learning.
SIZES = (16_384, 65_536, 262_144)


def run(report, quick, *, n_samples, rounds):
    """Print rates and ratios; returns what was missed."""
    from distributed import wait

    atoms, alpha, some = problem_of("A", quick)
    n_learn = n_samples // 4
    missed = []
    with tempfile.TemporaryDirectory() as folder, local_cluster(2):
        path = Path(folder) / "samples.npy"
        X = write_patches(path, n_samples, int(np.sqrt(atoms.shape[1])))
        coder = SparseCoder(atoms, alpha=alpha, sparse_output=True, n_jobs=2).fit(some)
        chunks = chunked(path, min(50_000, -(-n_samples // 8)))
        learned = chunks[:n_learn].rechunk({0: min(25_000, -(-n_learn // 8))})

        def code_where_they_lie():
            wait(coder.transform(chunks).persist())

        pairs = {
            "coding, codes stay": (lambda: coder.transform(X), code_where_they_lie),
            "coding, codes collected": (
                lambda: coder.transform(X), lambda: coder.transform(chunks).compute(),
            ),
        }  # fmt: skip
        for size in (None, *SIZES):
            model = DictionaryLearning(
                len(atoms), alpha=alpha, init=atoms, n_epochs=1, batch_size=size,
                random_state=0, n_jobs=2,
            )  # fmt: skip
            name = "learning, all at once" if size is None else f"learning, batches of {size}"
            pairs[name] = (
                lambda model=model: model.fit(X[:n_learn]), lambda model=model: model.fit(learned),
            )  # fmt: skip
        title = (
            f"A: {n_samples} patches to code, {n_learn} to learn from, {len(atoms)} atoms; "
            f"float32, medians of {rounds} rounds"
        )
        columns = {"": "", "samples/s, one process": ".0f", "LocalCluster": ".0f", "ratio": ".2f"}
        table = report.table(title, columns | {"asked": ".1f"})
        for name, (one, two) in pairs.items():
            one(), two()
            # Neighbours in time are compared, as the load of a machine changes.
            seconds = np.array([[clock(one), clock(two)] for _ in range(rounds)])
            n = n_samples if name.startswith("coding") else n_learn
            ratio = float(np.median(seconds[:, 0] / seconds[:, 1]))
            asked = None
            if "collected" not in name and "of 16384" not in name:
                asked = ASKED[name.partition(",")[0]]
            rates = n / np.median(seconds, axis=0)
            table.row(name, *rates, ratio, asked, repetitions=seconds)
            if asked is not None and ratio < asked:
                missed.append(f"{name}: {ratio:.2f} of the speed")
        table.end()
        report.note(NOTE)
    return missed
