"""Atoms recovered from signals made of a known dictionary, and seconds a run.

The experiment of Aharon, Elad and Bruckstein (2006): 50 normal atoms of 20 values, 1500 signals of
3 atoms with normal coefficients and white noise, 80 passes from 50 of the signals, codes of 3
atoms by OMP. An atom is recovered where the best pairing has an absolute cosine above 0.99. After
every pass, atoms with 3 users or fewer are replaced, and one of two closer than 0.99. Run: ``python
benchmarks/recovery.py [--seeds 5] [--quick]``.
"""

from __future__ import annotations

import time

import click
import numpy as np
from _common import quick_option
from _report import Report

from sparsecode.datasets import make_sparse_signals
from sparsecode.estimators import DictionaryLearning
from sparsecode.metrics import atom_recovery
from sparsecode.penalties import KSparse
from sparsecode.replacement import ReplaceAtoms
from sparsecode.updates import KSVD, MOD, ApproximateKSVD, BlockUpdate

N_ATOMS, N_FEATURES, N_SIGNALS, N_NONZERO, N_EPOCHS = 50, 20, 1500, 3, 80
SNRS = (10.0, 20.0, 30.0, np.inf)
# Asked of K-SVD at 20 dB.
WANTED, SECONDS = 46, 1.0
METHODS = {
    "KSVD": (KSVD(), None),
    "ApproximateKSVD": (ApproximateKSVD(), None),
    "MOD": (MOD(), None),
    "BlockUpdate, online": (BlockUpdate(), 150),
}


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@quick_option
def main(seeds, threads, quick):
    """Print how many atoms each update recovers at each signal-to-noise ratio."""
    report = Report(f"Atom recovery, {threads} thread(s), {seeds} seed(s)" + (", quick" * quick))
    for update, batch_size in METHODS.values():
        _recover(update, batch_size, SNRS[0], 0, threads, n_epochs=2)
    n_epochs = 2 if quick else N_EPOCHS
    seeds = 1 if quick else seeds
    columns = {"update": "", **{_decibels(snr): "" for snr in SNRS}}
    title = f"Recovered of {N_ATOMS} atoms, mean of seeds (fewest); median seconds, longest"
    table = report.table(title, columns)
    for name, (update, batch_size) in METHODS.items():
        cells, kept = [], []
        for snr in SNRS:
            runs = [
                _recover(update, batch_size, snr, seed, threads, n_epochs) for seed in range(seeds)
            ]
            found, seconds = np.transpose(runs)
            text = f"{found.mean():.1f} ({found.min():.0f}); "
            text += f"{np.median(seconds):.2f} s, {seconds.max():.2f} s"
            cells.append(text)
            kept.append(runs)
        table.row(name, *cells, repetitions=kept)
    report.note(f"Asked: KSVD {WANTED} of {N_ATOMS} at 20 dB, each run under {SECONDS:g} s.")
    report.finish()


def _recover(update, batch_size, snr, seed, threads, n_epochs):
    """Number of atoms recovered, and seconds of the fit."""
    X, _, truth = make_sparse_signals(
        N_SIGNALS, N_ATOMS, N_FEATURES, n_nonzero=N_NONZERO, snr_db=snr, random_state=seed
    )
    model = DictionaryLearning(
        N_ATOMS, penalty=KSparse(N_NONZERO), update=update, batch_size=batch_size,
        n_epochs=n_epochs, tol=0, init="samples", random_state=seed, n_jobs=threads,
        replacement=ReplaceAtoms(min_usage=3 / N_SIGNALS, patience=N_SIGNALS, max_cosine=0.99),
    )  # fmt: skip
    begin = time.perf_counter()
    model.fit(X)
    seconds = time.perf_counter() - begin
    return round(atom_recovery(model.components_, truth) * N_ATOMS), seconds


def _decibels(snr):
    return "no noise" if snr == np.inf else f"{snr:g} dB"


if __name__ == "__main__":
    main()
