"""Error of unrolled networks after each layer, beside ISTA and FISTA after as many iterations.

The experiment of Chen, Liu, Wang and Yin (2018): normal atoms of norm 1, codes of which each entry
is nonzero with probability 0.1 and then normal, white noise. Networks of 16 layers are trained on
the codes that made the samples, which are drawn anew for every batch, and judged on others. Run:
``python benchmarks/unrolled/nmse.py [--size 100x200] [--snr inf] [--quick]``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _report import Report

from sparsecode import Dictionary
from sparsecode.encoders import (
    ALISTA,
    LISTA,
    LISTACP,
    LISTACPSS,
    LISTASS,
    SLISTA,
    Exact,
    TiLISTA,
)
from sparsecode.losses import SupervisedLoss
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.solvers import FISTA, ISTA
from sparsecode.training import Stage, growing, train

N_LAYERS, ALPHA, BATCH_SIZE, N_STEPS = 16, 0.1, 64, 100
ALPHAS = 10.0 ** np.arange(-2, 0.01, 0.125)


class Network(NamedTuple):
    """How a network is trained, and what others report of it.

    Those whose weights are free of the dictionary come further end to end, the others where they
    grow by a layer a stage; both take as many steps.

    `published` is the error in dB after 16 layers at some signal-to-noise ratios, of 256x512 atoms.
    """

    encoder: type
    lr: float
    grows: bool
    published: dict


NETWORKS = {
    "LISTA": Network(LISTA, 1e-3, False, {"inf": -35, "20": -18.3}),
    "LISTA-CP": Network(LISTACP, 1e-3, True, {"inf": -30, "20": -14.8}),
    "LISTA-SS": Network(LISTASS, 1e-3, False, {}),
    "LISTA-CPSS": Network(LISTACPSS, 1e-3, True, {"inf": -63, "20": -20.1}),
    "TiLISTA": Network(TiLISTA, 1e-3, True, {}),
    "ALISTA": Network(ALISTA, 3e-3, True, {"inf": -79, "20": -20.1}),
    "SLISTA": Network(SLISTA, 1e-2, True, {}),
}
# (network, size, snr) -> dB asked of the last layer.
ASKED = {
    ("ALISTA", "250x500", "inf"): -40,
    ("ALISTA", "250x500", "20"): -19.5,
    ("LISTA-CPSS", "100x200", "inf"): -30,
}


class Signals:
    """Samples of one dictionary, with the codes that made them."""

    def __init__(self, n_features, n_components, snr_db, seed):
        self.dictionary = Dictionary.random(
            n_components, n_features, random_state=seed, dtype=np.float32
        )
        # Expected squares: atoms have norm 1, and a tenth of them coefficients of variance 1.
        self.noise = np.sqrt(0.1 * n_components / n_features * 10 ** (-snr_db / 10))
        self.seed = seed

    def batches(self, part, batch_size):
        """Endless batches, float32; others for each `part`."""
        rng, atoms = np.random.default_rng((self.seed, part)), self.dictionary.atoms
        shape = batch_size, len(atoms)
        while True:
            codes = rng.standard_normal(shape, dtype=np.float32)
            codes *= rng.random(shape, dtype=np.float32) < 0.1
            X = codes @ atoms
            if self.noise:
                noise = rng.standard_normal(X.shape, dtype=np.float32)
                X += np.float32(self.noise) * noise
            yield X, codes


def nmse(codes, truth):
    """Squared error over the squares of the truth, in dB."""
    return 10 * np.log10(np.sum((codes - truth) ** 2) / np.sum(truth**2))


def ladder_of_solver(solver, signals, train_data, test_data, n_layers):
    """Error on test data after 1, 2, ... iterations, each with the best weight on training data."""

    few = [array[:400] for array in train_data]

    def error(alpha, n_iter, data):
        encoder = Exact(L1(alpha), solver(max_iter=n_iter, tol=0))
        return nmse(encoder.encode(data[0], signals.dictionary), data[1])

    ladder = []
    for n_iter in range(1, n_layers + 1):
        alpha = min(ALPHAS, key=lambda alpha: error(alpha, n_iter, few))
        ladder.append(error(alpha, n_iter, test_data))
    return ladder


def train_network(network, signals, held_out, n_layers, n_steps):
    """A trained encoder, and the seconds on the clock and of all cores that took."""
    encoder = network.encoder(L1(ALPHA), n_layers=n_layers)
    stages = growing(n_layers, refine=()) if network.grows else [Stage(n_epochs=n_layers)]
    stages += [
        Stage(n_layers, n_epochs=8),
        Stage(n_layers, n_epochs=4, lr=0.3),
        Stage(n_layers, n_epochs=4, lr=0.1),
    ]
    begin = time.perf_counter(), time.process_time()
    for state in train(  # noqa: B007
        encoder, signals.dictionary, signals.batches(0, BATCH_SIZE), loss=SupervisedLoss(),
        optimizer=Adam(network.lr), stages=stages, n_epochs=1, steps_per_epoch=n_steps,
        X_val=held_out[0], target_val=held_out[1], random_state=signals.seed,
    ):  # fmt: skip
        pass
    seconds = time.perf_counter() - begin[0], time.process_time() - begin[1]
    return encoder.bind(state.best_params), seconds


def ladder_of_network(encoder, signals, test_data):
    """Error on test data after each layer."""
    X, truth = test_data
    return [
        nmse(encoder.encode(X, signals.dictionary, n_layers=count), truth)
        for count in range(1, encoder.n_layers + 1)
    ]


@click.command()
@click.option("--size", "sizes", multiple=True, default=["100x200", "250x500"], show_default=True)
@click.option("--snr", "snrs", multiple=True, default=["inf", "40", "20"], show_default=True)
@click.option("--network", "names", multiple=True, type=click.Choice(list(NETWORKS)))
@click.option("--seed", default=0, show_default=True)
@click.option("--quick", is_flag=True, help="Few layers and steps, to see that it runs.")
def main(sizes, snrs, names, seed, quick):
    """Print the error after each layer, for every size and signal-to-noise ratio."""
    report = Report("Unrolled networks, error in dB after each layer" + (", quick" * quick))
    n_layers = 2 if quick else N_LAYERS
    for size in sizes:
        for snr in snrs:
            _table(report, size, snr, names or list(NETWORKS), n_layers, seed, quick)
    report.finish()


def _table(report, size, snr, names, n_layers, seed, quick):
    n_features, n_components = map(int, size.split("x"))
    signals = Signals(n_features, n_components, float(snr), seed)
    # Parts: 0 to learn from, 1 to choose by, 2 to judge by.
    held_out, test_data = (next(signals.batches(part, 200 if quick else 1000)) for part in (1, 2))
    layers = {str(k): ".1f" for k in range(1, n_layers + 1)}
    columns = {"": "", "seconds": ".0f", "of CPU": ".0f", **layers, "published": "g", "asked": ""}
    table = report.table(f"{size}, SNR {snr} dB", columns)
    for solver in (ISTA, FISTA):
        rival = ladder_of_solver(solver, signals, held_out, test_data, n_layers)
        table.row(solver.__name__, None, None, *rival, None, None)
    for name in names:
        network = NETWORKS[name]
        n_steps = 5 if quick else N_STEPS
        encoder, seconds = train_network(network, signals, held_out, n_layers, n_steps)
        ladder = ladder_of_network(encoder, signals, test_data)
        verdict = _verdict(ladder[-1], rival[-1], ASKED.get((name, size, snr)))
        table.row(name, *seconds, *ladder, network.published.get(snr), verdict)
    table.end()


def _verdict(last, rival, asked):
    text = "" if last < rival else "not better than FISTA "
    return text if asked is None else f"{text}{asked:g}: {'yes' if last <= asked else 'no'}"


if __name__ == "__main__":
    main()
