"""Task-driven dictionaries: error of the implicit gradient, digits that are told apart, seconds.

Digits are those of MNIST, from an archive ``mnist.npz`` with the arrays ``x_train``, ``y_train``,
``x_test`` and ``y_test``, or, without ``--data``, the small ones that come with scikit-learn. Run:
``python benchmarks/prediction/task_driven.py --data mnist.npz``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
import numpy as np
from _common import quick_option
from _report import Report
from sklearn.datasets import load_digits
from sklearn.preprocessing import normalize

from sparsecode import (
    Dictionary,
    DictionaryLearning,
    TaskDrivenDictionaryLearningClassifier,
    certify,
)
from sparsecode.constraints import UnitBall
from sparsecode.implicit_gradients import code_gradient
from sparsecode.penalties import L1, ElasticNet
from sparsecode.prediction import SquaredHinge
from sparsecode.prediction._linear_model import fit_linear_model
from sparsecode.solvers import FeatureSign

STEP, GRADIENT_TOL = 1e-5, 1e-12
SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
DECAYS = (1e-4, 1e-5, 1e-6)
NOTE = """\
Errors of samples that neither learned from. Both code with alpha 0.15 on samples of norm 1, and \
both have a linear model with a squared hinge loss, one class against all others. "Unsupervised" \
has the weight decay, of 1e-4, 1e-5 and 1e-6, that suits the test samples best; "task-driven" has \
1e-5, and starts from the dictionary of the other. With shifts, both learn from every sample as it \
is and moved by one pixel in four directions."""


def gradient_errors(report, quick):
    """Largest relative errors of gradients against central differences of certified codes."""
    rng = np.random.default_rng(0)
    n_samples, n_features, n_components = (3, 5, 8) if quick else (20, 15, 25)
    X = rng.standard_normal((n_samples, n_features))
    atoms = Dictionary.random(n_components, n_features, random_state=0).atoms
    upstream = rng.standard_normal((n_samples, n_components))
    weights = rng.uniform(0.5, 2, n_components)
    penalties = {
        "L1": L1(0.3),
        "L1, weights": L1(0.3, weights=weights),
        "L1, positive": L1(0.2, positive=True),
        "elastic net": ElasticNet(0.3, 0.8),
    }
    table = report.table(
        f"Implicit gradient, {n_samples} samples x {n_features} features x {n_components} atoms: "
        "relative error",
        {"penalty": "", "samples": ".1e", "atoms": ".1e", "largest gap": ".1e"},
    )
    for name, penalty in penalties.items():

        def codes_of(X, atoms, penalty=penalty):
            return FeatureSign(tol=GRADIENT_TOL).solve(X, atoms, penalty).codes

        codes = codes_of(X, atoms)
        gap = certify(X, codes, atoms, penalty).relative_gap.max()
        gradient = code_gradient(X, codes, atoms, penalty, upstream)
        of_X = differences(lambda x: np.vdot(upstream, codes_of(x, atoms)), X)
        of_atoms = differences(lambda a: np.vdot(upstream, codes_of(X, a)), atoms)
        errors = (
            np.abs(one - other).max() / np.abs(other).max()
            for one, other in ((gradient.X, of_X), (gradient.atoms, of_atoms))
        )
        table.row(name, *errors, gap)
    table.end()


def differences(function, array):
    """Central differences of a function of an array."""
    found = np.empty_like(array)
    for entry in np.ndindex(array.shape):
        above, below = array.copy(), array.copy()
        above[entry] += STEP
        below[entry] -= STEP
        found[entry] = (function(above) - function(below)) / (2 * STEP)
    return found


def digits(path, n_samples, seed):
    """Images and labels to learn from, drawn at random, and to test with."""
    rng = np.random.default_rng(seed)
    if path is None:
        images, labels = load_digits(return_X_y=True)
        images, order = images.reshape(-1, 8, 8), rng.permutation(len(images))
        learned, tested = order[:n_samples], order[n_samples:]
        return images[learned], labels[learned], images[tested], labels[tested]
    with np.load(path) as data:
        learned = rng.permutation(len(data["x_train"]))[:n_samples]
        return data["x_train"][learned], data["y_train"][learned], data["x_test"], data["y_test"]


def as_samples(images, shifts=SHIFTS[:1]):
    """Samples of norm 1, float32: the images moved in every way."""
    _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    moved = np.concatenate(
        [padded[:, 1 + i : 1 + i + height, 1 + j : 1 + j + width] for i, j in shifts]
    )
    return normalize(moved.reshape(len(moved), -1).astype(np.float32))


def classify(report, path, n_samples, n_components, n_steps, seeds, batch_size):
    """Errors of an unsupervised dictionary and of a task-driven one."""
    what = "MNIST" if path else "digits of scikit-learn (no --data)"
    table = report.table(
        f"{what}, {n_samples:,} samples to learn from, {n_components} atoms: errors",
        {
            "samples, seed": "",
            "tested": ",d",
            "unsupervised": "d",
            "task-driven": "d",
            "ratio": ".1f",
            "nonzeros": ".1f",
            "s": ".0f",
        },
    )
    for name, shifts in (("as they are", SHIFTS[:1]), ("with shifts", SHIFTS)):
        totals = np.zeros(2)
        for seed in range(seeds):
            images, labels, test_images, test_labels = digits(path, n_samples, seed)
            X, y = as_samples(images, shifts), np.tile(labels, len(shifts))
            X_test = as_samples(test_images)
            learner = DictionaryLearning(
                n_components, alpha=0.15, batch_size=1024, n_epochs=max(100_000 // len(X), 1),
                constraint=UnitBall(), random_state=seed,
            ).fit(X)  # fmt: skip
            before = unsupervised_errors(learner, X, y, X_test, test_labels)
            begin = time.perf_counter()
            n_epochs = max(round(n_steps * batch_size / len(X)), 1)
            model = TaskDrivenDictionaryLearningClassifier(
                loss="squared_hinge", dictionary=learner.dictionary_, n_epochs=n_epochs,
                batch_size=batch_size, random_state=seed,
            ).fit(X, y)  # fmt: skip
            seconds = time.perf_counter() - begin
            after = int(np.sum(model.predict(X_test) != test_labels))
            totals += before, after
            table.row(
                f"{name}, {seed}", len(X_test), before, after, before / max(after, 1),
                model.history_["l0"][-1], seconds,
            )  # fmt: skip
        table.row(f"{name}, all", None, *totals.astype(int), totals[0] / totals[1], None, None)
    table.end()
    report.note(NOTE)


def unsupervised_errors(learner, X, y, X_test, y_test):
    """Fewest errors of a linear model of the codes, over weight decays."""
    loss, n_classes = SquaredHinge(), len(np.unique(y))
    codes, test_codes = learner.transform(X), learner.transform(X_test)
    targets, found = loss.encode(y, n_classes), []
    for decay in DECAYS:
        model = fit_linear_model(codes, targets, loss, weight_decay=decay, max_iter=300)
        found.append(int(np.sum(model.scores(test_codes).argmax(axis=1) != y_test)))
    return min(found)


def seconds_of_fit(report, quick):
    """Seconds of a default fit of samples that a random dictionary made."""
    n_samples, n_features, n_components = (100, 16, 10) if quick else (2000, 256, 200)
    rng = np.random.default_rng(0)
    atoms = Dictionary.random(n_components, n_features, random_state=1).atoms
    codes = rng.standard_normal((n_samples, n_components))
    codes *= rng.random(codes.shape) < 0.05
    X = normalize(codes @ atoms + 0.02 * rng.standard_normal((n_samples, n_features)))
    y = (codes @ rng.standard_normal((n_components, 5))).argmax(axis=1)
    table = report.table(
        f"Seconds of fit, {n_samples:,} samples x {n_features} features x {n_components} atoms, "
        "5 classes, by default",
        {"loss": "", "s": ".1f", "steps": "d"},
    )
    for loss in ("softmax", "squared_hinge"):
        model = TaskDrivenDictionaryLearningClassifier(n_components, loss=loss, random_state=0)
        if quick:
            model.set_params(n_epochs=2)
        begin = time.perf_counter()
        model.fit(X, y)
        table.row(loss, time.perf_counter() - begin, model.n_iter_)
    table.end()


@click.command()
@click.option("--data", type=click.Path(exists=True, dir_okay=False), help="mnist.npz.")
@click.option("--n-samples", default=20_000, help="Digits to learn from.")
@click.option("--atoms", "n_components", default=100, help="Atoms.")
@click.option("--steps", "n_steps", default=2000, help="Steps of descent.")
@click.option("--seeds", default=3, help="Draws of digits, initial atoms and orders.")
@quick_option
def main(data, n_samples, n_components, n_steps, seeds, quick):
    """Measure gradients, errors and seconds of task-driven dictionaries."""
    report = Report("Task-driven dictionary learning: gradients, errors of digits, seconds")
    gradient_errors(report, quick)
    batch_size = 200
    if data is None:
        # There are 1,797 of them, so that small.
        n_samples, n_components, batch_size = min(n_samples, 1000), min(n_components, 50), 100
        n_steps = min(n_steps, 2000)
    if quick:
        n_samples, n_components, n_steps, seeds = 200, 20, 20, 1
    classify(report, data, n_samples, n_components, n_steps, seeds, batch_size)
    seconds_of_fit(report, quick)
    report.finish()


if __name__ == "__main__":
    main()
