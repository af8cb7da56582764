"""Autoencoders of language-model activations at equal numbers of nonzeros.

ReLU, Gated, JumpReLU, TopK and BatchTopK in one table. Run: ``python
benchmarks/autoencoders/language_model.py DATA``, with a NumPy file of activations.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from _report import Report

from sparsecode import SparseAutoencoder
from sparsecode.encoders import BatchTopK, Gated, JumpReLU, ReLU, TopK
from sparsecode.metrics import dead_fraction, explained_variance, l0
from sparsecode.optimizers import Adam
from sparsecode.schedules import Linear

BATCH, MOST_DEAD, MOST_SECONDS = 512, 0.05, 120
NOTES = """\
On the last fifth of the samples, in their order; trained on the first four fifths. Dead: units that
no sample of the last fifth uses. A row is marked where its l0 is more than 5 % from the one asked,
5 % of the units are dead, training took 2 minutes, or a TopK explains less than ReLU."""


@click.command()
@click.argument("data", type=click.Path(dir_okay=False))
@click.option("--target", multiple=True, type=click.IntRange(1), default=(8, 16, 32))
@click.option("--units", type=click.IntRange(1), default=512, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True)
@click.option("--alpha", type=float, default=0.01, show_default=True, help="Weight at first.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(data, target, units, epochs, alpha, seed):
    """Print how much each architecture explains."""
    if not Path(data).exists():
        raise click.ClickException(f"{data} is not there; give the file of activations.")
    X = read(data)
    n_train = int(0.8 * len(X))
    X, X_test = X[:n_train], X[n_train:]
    report = Report(f"Activations of a language model, {X.shape[1]} -> {units}, {epochs} epochs")
    report.note(NOTES)
    columns = {"encoder": "", "asked": "d", "l0": ".2f", "explained variance": ".4f"}
    columns |= {"dead, %": ".1f", "training, s": ".1f", "": ""}
    table = report.table("At equal numbers of nonzeros", columns)
    for n_active in target:
        explained = {}
        for name, options in architectures(n_active, alpha).items():
            begin, lr = time.perf_counter(), options.pop("lr")
            rate = Linear(lr, lr / 20, n_steps=epochs * -(-len(X) // BATCH))
            model = SparseAutoencoder(
                units, **options, optimizer=Adam(rate),
                n_epochs=epochs, batch_size=BATCH, random_state=seed,
            ).fit(X)  # fmt: skip
            seconds = time.perf_counter() - begin
            codes = model.transform(X_test)
            count, dead = l0(codes).mean(), dead_fraction(codes)
            explained[name] = explained_variance(X_test, model.inverse_transform(codes))
            wrong = [
                abs(count / n_active - 1) > 0.05,
                dead >= MOST_DEAD,
                seconds >= MOST_SECONDS,
                name.endswith("TopK") and explained[name] < explained["ReLU"],
            ]
            missed = "missed" if any(wrong) else None
            table.row(name, n_active, count, explained[name], 100 * dead, seconds, missed)
    report.finish()


def architectures(n_active, alpha):
    """Name to what makes the autoencoder one with `n_active` nonzeros, and its learning rate."""
    controlled = {"target_l0": n_active, "alpha": alpha, "lr": 8e-3}
    kept = {"target_l0": n_active, "lr": 4e-3}
    return {
        "ReLU": {"encoder": ReLU(), **controlled},
        "Gated": {"encoder": Gated(), **controlled},
        "JumpReLU": {"encoder": JumpReLU(), "target_l0": n_active, "lr": 5e-3},
        "TopK": {"encoder": TopK(), **kept},
        "BatchTopK": {"encoder": BatchTopK(), **kept},
    }


def read(path):
    """The rows of the only array of a NumPy file, float32."""
    with np.load(path) as file:
        (array,) = file.values()
    return array.astype(np.float32)


if __name__ == "__main__":
    main()
