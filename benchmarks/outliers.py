"""Outlier detectors by default: area under the ROC curve on data that comes with scikit-learn.

Each problem has samples of a usual kind, and few of another. "Mixed" detectors learn from all and
rank the same; "apart" they learn from half of the usual samples and rank the others. Features are
as they are unless standardised. Run: ``python benchmarks/outliers.py``.
"""

from __future__ import annotations

import warnings

import click
import numpy as np
from _common import quick_option
from _report import Report
from scipy.stats import rankdata
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sparsecode import SparseOutlierDetector

N_SEEDS = 5
NAMES = ("sparse", "LOF", "forest", "SVM", "PCA")
NOTE = """\
sparse: SparseOutlierDetector(); LOF: LocalOutlierFactor, forest: IsolationForest, SVM: \
OneClassSVM, all by default; PCA: squared error of the components with 90 % of the variance. Means \
over draws; rank 1 is the best of the five."""


def detectors(seed, novelty):
    """Functions of training and test samples that return how strange the latter are."""

    def by(model):
        return lambda X, Y: -model.fit(X).score_samples(Y)

    def by_neighbours(X, Y):
        if novelty:
            return -LocalOutlierFactor(novelty=True).fit(X).score_samples(Y)
        return -LocalOutlierFactor().fit(X).negative_outlier_factor_

    def by_components(X, Y):
        pca = PCA(0.9 if X.shape[1] > 2 else 1).fit(X)
        return ((Y - pca.inverse_transform(pca.transform(Y))) ** 2).sum(axis=1)

    yield by(SparseOutlierDetector())
    yield by_neighbours
    yield by(IsolationForest(random_state=seed))
    yield by(OneClassSVM())
    yield by_components


def problems(rng):
    """Name, usual samples and strange ones, a tenth of them."""
    X, y = datasets.load_digits(return_X_y=True)
    for usual, strange in ((3, 8), (1, 7), (4, 9)):
        yield f"digits, {strange} among {usual}", X[y == usual], X[y == strange]
    for usual in (0, 5):
        yield f"digits, others among {usual}", X[y == usual], X[y != usual]
    yield "digits, 0 among others", X[y != 0], X[y == 0]
    X, y = datasets.load_breast_cancer(return_X_y=True)
    yield "breast cancer", X[y == 1], X[y == 0]
    yield "breast cancer, standardised", *_standardised(X[y == 1], X[y == 0])
    X, y = datasets.load_wine(return_X_y=True)
    yield "wine, 0 among 1", X[y == 1], X[y == 0]
    yield "wine, 0 among 1, standardised", *_standardised(X[y == 1], X[y == 0])
    yield "wine, 2 among 0", X[y == 0], X[y == 2]
    X, y = datasets.load_iris(return_X_y=True)
    yield "iris, 2 among 0 and 1", X[y < 2], X[y == 2]
    yield "iris, 1 among 2", X[y == 2], X[y == 1]
    seed = int(rng.integers(2**31))
    X, _ = datasets.make_blobs(400, n_features=20, centers=4, random_state=seed)
    yield "four blobs in 20 dimensions", X, rng.uniform(-10, 10, (100, 20))
    X, _ = datasets.make_blobs(300, centers=[[2, 2], [-2, -2]], cluster_std=0.5, random_state=seed)
    yield "two blobs in the plane", X, rng.uniform(-6, 6, (100, 2))
    X, _ = datasets.make_moons(300, noise=0.05, random_state=seed)
    yield "two moons in the plane", 4 * (X - [0.5, 0.25]), rng.uniform(-6, 6, (100, 2))


def _standardised(usual, strange):
    scaler = StandardScaler().fit(usual)
    return scaler.transform(usual), scaler.transform(strange)


def areas(usual, strange, rng, seed, novelty):
    """Area under the curve of every detector."""
    n = min(max(len(usual) // 10, 3), len(strange))
    strange = strange[rng.choice(len(strange), n, replace=False)]
    usual = rng.permutation(usual)
    if novelty:
        train, test = usual[: len(usual) // 2], np.vstack([usual[len(usual) // 2 :], strange])
    else:
        train = test = np.vstack([usual, strange])
    is_strange = np.arange(len(test)) >= len(test) - n
    found = [detect(train, test) for detect in detectors(seed, novelty)]
    return [roc_auc_score(is_strange, scores) for scores in found]


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=N_SEEDS, show_default=True)
@quick_option
def main(seeds, quick):
    """Print the areas, and the ranks."""
    seeds = 1 if quick else seeds
    report = Report("Outlier detectors by default: area under the ROC curve")
    report.note(NOTE)
    for title, novelty in (("Mixed", False), ("Apart", True)):
        table = report.table(
            f"{title}, {seeds} draws", {"problem": "", **dict.fromkeys(NAMES, ".2f")}
        )
        _rows(table, seeds, novelty, quick)
        table.end()
    report.finish()


def _rows(table, seeds, novelty, quick):
    found = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        for name, usual, strange in problems(rng):
            if quick and not name.startswith("iris"):
                continue
            found.setdefault(name, []).append(areas(usual, strange, rng, seed, novelty))
    means = {name: np.mean(values, axis=0) for name, values in found.items()}
    for name, values in means.items():
        table.row(name, *values, repetitions=np.array(found[name]).tolist())
    table.row("mean", *np.mean(list(means.values()), axis=0))
    ranks = [rankdata(-values.round(3)) for values in means.values()]
    table.row("median rank", *np.median(ranks, axis=0))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        main()
