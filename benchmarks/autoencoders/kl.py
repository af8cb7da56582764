"""The mean activation that a KL penalty asks for, and the one that it gets.

Sigmoid units on scikit-learn's digits, with the penalty of A. Ng, "Sparse autoencoder" (2011). Run:
``python benchmarks/autoencoders/kl.py``.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

import click
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

sys.path.append(str(Path(__file__).resolve().parents[1]))

from _report import Report

from sparsecode import SparseAutoencoder
from sparsecode.encoders import Sigmoid
from sparsecode.losses import AutoencoderLoss, KLDivergence
from sparsecode.metrics import explained_variance
from sparsecode.optimizers import Adam

RHOS, TOLERANCE = (0.02, 0.05, 0.1, 0.2, 0.5), 0.1
NOTES = """\
Mean activation of the units over a quarter of the digits, held out; of them all, and its least and
greatest among the units. Asked: the mean within 10 % of rho."""


@click.command()
@click.option("--epochs", type=click.IntRange(1), default=200, show_default=True)
@click.option("--units", type=click.IntRange(1), default=100, show_default=True)
@click.option("--weight", multiple=True, type=float, default=(3.0, 10.0), help="Of the divergence.")
def main(epochs, units, weight):
    """Print the mean activation beside rho."""
    report = Report(f"KL penalty, digits, {units} sigmoid units, {epochs} epochs")
    report.note(NOTES)
    digits = (load_digits().data / 16).astype(np.float32)
    X, X_test = train_test_split(digits, test_size=0.25, random_state=0)
    columns = {"weight": "g", "rho": "g", "mean": ".4f", "difference": "+.1%", "": ""}
    columns |= {"units": "", "explained variance": ".3f", "training, s": ".1f"}
    table = report.table("Mean activation of the units", columns)
    for beta, rho in itertools.product(weight, RHOS):
        begin = time.perf_counter()
        model = SparseAutoencoder(
            units, encoder=Sigmoid(), loss=AutoencoderLoss([KLDivergence(rho, beta)]),
            optimizer=Adam(lr=3e-3), n_epochs=epochs, batch_size=256, random_state=0,
        ).fit(X)  # fmt: skip
        seconds = time.perf_counter() - begin
        codes = model.transform(X_test)
        means = codes.mean(axis=0)
        difference = means.mean() / rho - 1
        missed = None if abs(difference) <= TOLERANCE else "missed"
        span = f"{means.min():.4f} to {means.max():.4f}"
        explained = explained_variance(X_test, model.inverse_transform(codes))
        table.row(beta, rho, means.mean(), difference, missed, span, explained, seconds)
    report.finish()


if __name__ == "__main__":
    main()
