"""What brings dead units of a TopK autoencoder back: AuxK, replacement, or both.

From four starts, three of which leave most units without work for good. Run: ``python
benchmarks/autoencoders/dead_units.py``.
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
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import TopK
from sparsecode.losses import AutoencoderLoss, AuxK
from sparsecode.metrics import dead_fraction, explained_variance, l0
from sparsecode.optimizers import Adam
from sparsecode.replacement import ReplaceUnits

N_FEATURES, N_ATOMS, K, BATCH = 64, 512, 8, 512
N_REPLACEMENTS = 8
STARTS = ("good", "offset", "ahead", "negative")
NOTES = """\
Samples are 8 of 512 atoms plus noise, around a mean of norm 8. Encoders begin with random rows of
their own, not the atoms. Dead: units that none of the held-out samples uses. A pass is the window
after which a unit counts as dead, unless the row says otherwise. Starts:
good       offset the mean of the samples, biases 0
offset     offset 0: the units along the mean win every sample
ahead      offset the mean; 1 unit of 32 begins with a bias of 2, all others with 0
negative   offset the mean; the others begin with -20, so that no pre-activation is positive"""


@click.command()
@click.option("--units", type=click.IntRange(K), default=2048, show_default=True)
@click.option("--samples", type=click.IntRange(1), default=20_000, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=25, show_default=True)
@click.option(
    "--start",
    "wanted",
    multiple=True,
    type=click.Choice(STARTS),
    help="Only these starts.  [default: all]",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--quick", is_flag=True, help="Few units, samples and epochs: only whether it runs.")
def main(units, samples, epochs, wanted, seed, quick):
    """Print the share of dead units and what is explained."""
    if quick:
        units, samples, epochs = 128, 1000, 2
    X, X_test = data(samples, seed)
    report = Report(
        f"Dead units, {N_FEATURES} -> {units}, TopK of {K}, {samples} samples, {epochs} epochs"
    )
    report.note(NOTES)
    columns = {"start": "", "remedy": "", "dead, %": ".1f", "explained variance": ".3f"}
    table = report.table("Units that are dead", columns | {"l0": ".2f", "training, s": ".1f"})
    for start, options in starts(units, seed).items():
        if wanted and start not in wanted:
            continue
        for name, remedy in remedies(samples, epochs).items():
            begin = time.perf_counter()
            model = SparseAutoencoder(
                units, **options, **remedy, optimizer=Adam(2e-3), n_epochs=epochs,
                batch_size=BATCH, sparse_output=True, random_state=seed,
            ).fit(X)  # fmt: skip
            seconds = time.perf_counter() - begin
            codes = model.transform(X_test)
            explained = explained_variance(X_test, model.inverse_transform(codes))
            dead = 100 * dead_fraction(codes)
            table.row(start, name, dead, explained, l0(codes).mean(), seconds)
    report.finish()


def data(n_samples, seed):
    """Samples to train on, and half as many to judge by, float32."""
    signals = make_sparse_signals(
        n_samples + n_samples // 2, N_ATOMS, N_FEATURES, n_nonzero=K, positive=True,
        random_state=seed,
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    X = signals.X + 0.05 * rng.standard_normal(signals.X.shape)
    mean = rng.standard_normal(N_FEATURES)
    X += 8 * mean / np.linalg.norm(mean)
    return np.split(X.astype(np.float32), [n_samples])


def starts(n_units, seed):
    """Name to encoder and offset at the start."""
    W = np.random.default_rng(seed).standard_normal((n_units, N_FEATURES))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    is_first = np.arange(n_units) < n_units // 32

    def encoder(first, others):
        return TopK(k=K, params={"W": W, "b": np.where(is_first, first, others)})

    options = (
        {"encoder": encoder(0.0, 0.0)},
        {"encoder": encoder(0.0, 0.0), "offset": "zero"},
        {"encoder": encoder(2.0, 0.0)},
        {"encoder": encoder(0.0, -20.0)},
    )
    return dict(zip(STARTS, options, strict=True))


def remedies(n_samples, n_epochs):
    """Name to what is done about dead units."""

    def auxk(n_idle=n_samples, **options):
        return AutoencoderLoss([AuxK(dead_window=n_idle, **options)])

    def replacement(**options):
        # The last quarter of the steps is left to those that came last.
        n_steps = n_epochs * -(-n_samples // BATCH)
        every = max(3 * n_steps // (4 * N_REPLACEMENTS), 1)
        return ReplaceUnits(every, n_samples, n_times=N_REPLACEMENTS, **options)

    return {
        "nothing": {"loss": AutoencoderLoss()},
        "AuxK": {"loss": auxk()},
        "AuxK, weight 1/4": {"loss": auxk(weight=0.25)},
        "AuxK, an eighth of a pass": {"loss": auxk(n_samples // 8)},
        "replacement": {"loss": AutoencoderLoss(), "replacement": replacement()},
        "replacement, scale 1": {"loss": AutoencoderLoss(), "replacement": replacement(scale=1.0)},
        "AuxK, replacement, scale 1": {"loss": auxk(), "replacement": replacement(scale=1.0)},
    }


if __name__ == "__main__":
    main()
