"""Winner-take-all units against pixels, for a linear classifier of scikit-learn's digits.

As the fully connected autoencoder of A. Makhzani and B. Frey, "Winner-take-all autoencoders"
(2015). Run: ``python benchmarks/autoencoders/winner_take_all.py``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.svm import LinearSVC

sys.path.append(str(Path(__file__).resolve().parents[1]))

from _report import Report

from sparsecode import SparseAutoencoder
from sparsecode.encoders import WinnerTakeAll

N_UNITS, LIFETIME, ASKED = 256, 0.07, 0.98
COSTS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
NOTES = """\
Accuracy on a quarter of the digits, held out and stratified; mean, deviation and least over the
splits. The classifier is a linear SVM, one against the rest, of inputs scaled to at most 1, whose C
is chosen by five-fold cross-validation on the rest, on which the autoencoder is trained too.
Active: units a digit that was held out; in training it is 7 % of them."""


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Splits.")
@click.option("--epochs", type=click.IntRange(1), default=200, show_default=True)
@click.option("--units", type=click.IntRange(1), default=N_UNITS, show_default=True)
def main(seeds, epochs, units):
    """Print the accuracy of pixels and of units."""
    report = Report(f"Winner-take-all units, digits, {seeds} split(s), {epochs} epochs")
    report.note(NOTES)
    digits, labels = load_digits(return_X_y=True)
    digits = (digits / 16).astype(np.float32)
    rows = {"pixels": [], "units": [], "units, tied weights": []}
    for seed in range(seeds):
        X, X_test, y, y_test = train_test_split(
            digits, labels, test_size=0.25, stratify=labels, random_state=seed
        )
        rows["pixels"].append((*classify(X, X_test, y, y_test), np.nan, np.nan))
        for name, tied in [("units", False), ("units, tied weights", True)]:
            begin = time.perf_counter()
            model = SparseAutoencoder(
                units, encoder=WinnerTakeAll(lifetime=LIFETIME, tied=tied), n_epochs=epochs,
                batch_size=100, random_state=seed,
            ).fit(X)  # fmt: skip
            seconds = time.perf_counter() - begin
            codes, codes_test = model.transform(X), model.transform(X_test)
            found = classify(codes, codes_test, y, y_test)
            rows[name].append((*found, (codes_test > 0).mean(), seconds))
    columns = {"inputs": "", "accuracy, %": ".2f", "deviation": ".2f", "least": ".2f", "C": ""}
    columns |= {"active, %": ".1f", "training, s": ".1f", "asked": ""}
    table = report.table("Accuracy of a linear SVM", columns)
    for name, found in rows.items():
        accuracy, cost, active, seconds = np.transpose(found)
        costs = f"{cost.min():g} to {cost.max():g}"
        trained = [None] * 3
        if name != "pixels":
            verdict = "reached" if accuracy.mean() >= ASKED else "missed"
            trained = [100 * active.mean(), seconds.mean(), f"{100 * ASKED:g}: {verdict}"]
        spread = accuracy.mean(), accuracy.std(), accuracy.min()
        table.row(name, *(100 * np.array(spread)), costs, *trained, repetitions=accuracy)
    report.finish()


def classify(X, X_test, y, y_test):
    """Accuracy of a linear SVM, and its C."""
    machine = make_pipeline(MaxAbsScaler(), LinearSVC(dual=False))
    search = GridSearchCV(machine, {"linearsvc__C": COSTS}, cv=5).fit(X, y)
    return search.score(X_test, y_test), search.best_params_["linearsvc__C"]


if __name__ == "__main__":
    main()
