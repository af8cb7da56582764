"""Accuracy of pooled features of patches: exact codes beside a soft threshold, at equal features.

Digits of scikit-learn, and with ``--data FILE`` a subset of MNIST, an npz of ``x_train``,
``y_train``, ``x_test`` and ``y_test``. All encoders code on the same atoms; a linear support vector
machine reads the features, with its weight chosen by cross-validation on the training images. Run:
``python benchmarks/prediction/exact_or_threshold.py [--data mnist.npz] [--seeds 3] [--quick]``.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import click
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _common import quick_option
from _report import Report

from sparsecode import PatchFeatures
from sparsecode.encoders import Exact, Thresholding, Triangle
from sparsecode.penalties import L1, KSparse

ALPHAS = (0.1, 0.25, 0.5, 1.0, 1.5)
COLUMNS = {"features": "", "errors %": ".2f", "of each seed": "", "number": ",.0f"}
COLUMNS |= {"CPU seconds": ".2f", "mean gap": ".1e"}
SIZES = {"digits": (1000, 797, 4, 64), "MNIST": (2000, 2000, 6, 100)}


def encoders(quick):
    """Encoders by name."""
    alphas = ALPHAS[2:3] if quick else ALPHAS
    found = {f"soft threshold, alpha={a:g}": Thresholding(L1(a)) for a in alphas}
    found |= {f"lasso, alpha={a:g}": Exact(L1(a)) for a in alphas}
    found |= {f"OMP, {k} atoms": Exact(KSparse(k)) for k in ((2,) if quick else (2, 5))}
    return found | {"triangle": Triangle()}


def split(images, labels, n_train, n_test, seed):
    """Training and test images and labels."""
    return train_test_split(
        images, labels, train_size=n_train, test_size=n_test, stratify=labels, random_state=seed
    )


def errors(X, Y, y, t):
    """Share of wrong labels of a linear classifier, its weight chosen on the training data."""
    classifier = make_pipeline(StandardScaler(), LinearSVC(dual=True, max_iter=3000))
    weights = {"linearsvc__C": [1e-4, 1e-3, 1e-2, 1e-1]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return 1 - GridSearchCV(classifier, weights, cv=3).fit(X, y).score(Y, t)


def measure(encoder, splits, models):
    """Errors, seconds and mean gap of the features of an encoder for each split, on its atoms."""
    found = []
    for (X, Y, y, t), features in zip(splits, models, strict=True):
        features.set_params(encoder=encoder)
        features.transform(X[:2])  # compiles
        begin = time.process_time()
        codes = features.transform(X), features.transform(Y)
        seconds = time.process_time() - begin
        has_gap = isinstance(encoder, Exact | Thresholding) and hasattr(encoder.penalty, "alpha")
        gap = features.certify(Y, random_state=0).relative_gap.mean() if has_gap else np.nan
        found.append((100 * errors(*codes, y, t), seconds, gap))
    return np.transpose(found)


def compare(report, name, images, labels, n_seeds, quick):
    """Print a table of one set of images."""
    n_train, n_test, patch, n_atoms = (100, 50, 4, 8) if quick else SIZES[name]
    splits = [split(images, labels, n_train, n_test, seed) for seed in range(n_seeds)]
    title = f"{name}: {n_train:,} training and {n_test:,} test images, {patch}x{patch} patches"
    table = report.table(f"{title}, {n_atoms} atoms of k-means, sums over quadrants", COLUMNS)
    raw = [100 * errors(*(Z.reshape(len(Z), -1) for Z in (X, Y)), y, t) for X, Y, y, t in splits]
    table.row("pixels", np.mean(raw), _each(raw), float(images[0].size), None, None)
    settings = {"patch_size": patch, "random_state": 0, "n_jobs": 1}
    models = [PatchFeatures(n_atoms, **settings).fit(X) for X, *_ in splits]
    for label, encoder in encoders(quick).items():
        found, seconds, gap = measure(encoder, splits, models)
        gap = None if np.isnan(gap).all() else float(gap.mean())
        number = float(models[0].n_features_out_)
        table.row(label, found.mean(), _each(found), number, seconds.mean(), gap)
    table.end()


def _each(values):
    return " ".join(f"{value:.2f}" for value in values)


@click.command()
@click.option("--data", type=click.Path(exists=True, dir_okay=False), help="npz of MNIST.")
@click.option("--seeds", "n_seeds", default=3, show_default=True, help="Of the splits.")
@quick_option
def main(data, n_seeds, quick):
    """Print the errors and the seconds of each encoder."""
    report = Report("Exact codes or a soft threshold, at equal features: errors of a linear SVM")
    n_seeds = 1 if quick else n_seeds
    X, y = load_digits(return_X_y=True)
    compare(report, "digits", X.reshape(-1, 8, 8).astype(np.float32), y, n_seeds, quick)
    if data is not None:
        with np.load(data) as file:
            images = np.concatenate([file["x_train"], file["x_test"]]).reshape(-1, 28, 28)
            labels = np.concatenate([file["y_train"], file["y_test"]])
        compare(report, "MNIST", images, labels, n_seeds, quick)
    report.note(
        "CPU seconds are those of all features of a split, on one thread. The mean gap is the "
        "relative duality gap of a thousand positions, for the lasso of the same alpha."
    )
    report.finish()


if __name__ == "__main__":
    main()
