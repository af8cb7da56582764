"""True features found by autoencoders, by exact codes, by dictionary learning and by baselines.

Samples have known features, of which a learned dictionary has room for a quarter. Each latent is
judged as a detector of the true atom nearest to its own (F1, mean over latents). Five questions:
what exact codes find on the true dictionary; what linear probes find that are told the truth; what
autoencoders of the published ladder find, and what exact codes on their dictionaries find; what
dictionary learning finds; and what baselines find. Run:
``python benchmarks/ground_truth/table.py [--preset 4k] [--samples 2e6] [--seeds 3] [--quick]``.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from sklearn.exceptions import ConvergenceWarning

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _common import quick_option
from _report import Report
from methods import (
    BASELINES,
    LADDER,
    SETTINGS,
    components,
    learner,
    train_on,
    train_rung,
    untrained,
)
from probes import probes

from sparsecode import Dictionary, certify
from sparsecode.compare import match_l0, polish
from sparsecode.datasets import make_feature_mixture
from sparsecode.encoders import BatchTopK, Exact, LeaveOneOut
from sparsecode.metrics import recovery_summary, stability
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import IHT, OLS, OMP

# Relative duality gap of exact codes.
GAP = 1e-5
SCORES = {"F1": ".3f", "preci-sion": ".3f", "recall": ".3f", "MCC": ".3f", "unique": ".3f"}
SCORES |= {"dead %": ".1f", "expl. var.": ".3f", "norm": ".3f", "l0": ".1f"}
PARTS = ("ladder", "exact", "probes", "learners", "baselines")
NOTES = """\
F1, precision, recall: mean over latents, each a detector of the true atom nearest to its own. MCC:
cosines of atoms paired best with true ones, over the pairs. unique: different true atoms among the
nearest ones. norm: that of reconstructions over that of samples. exact: non-negative l1 codes on
the same dictionary, with the weight that leaves k nonzeros in the mean. OMP: k-sparse codes there.
gap: relative duality gap of the codes of the row at that weight. published: F1 of the 16k preset
after 50 million samples."""


class Task(NamedTuple):
    """Where models learn from, and what they are judged by."""

    mixture: object
    setting: object
    n_samples: int
    n_judge: int

    @property
    def n_steps(self):
        return self.n_samples // self.setting.batch_size

    def batches(self, seed):
        """Batches to learn from, others for each seed."""
        return self.mixture.batches(
            self.setting.batch_size, n_batches=self.n_steps, random_state=1000 + seed
        )

    def judge(self, model, **options):
        """Scores on samples that no model learned from."""
        return recovery_summary(
            model, self.mixture, n_samples=self.n_judge, random_state=1, **options
        )


def scores_of(summary):
    """Cells of a row."""
    return [
        summary.f1, summary.precision, summary.recall, summary.mcc, summary.uniqueness,
        100 * summary.dead_fraction, summary.explained_variance, summary.l2_ratio, summary.l0,
    ]  # fmt: skip


class Inference(NamedTuple):
    """What exact codes find on the dictionary of a model."""

    exact: float
    omp: float
    gap: float
    certified: float


def infer(task, model):
    """Scores of exact codes on the dictionary of a model, and the gap of its own codes."""
    dictionary, k = model.dictionary_, task.setting.k
    X, _ = task.mixture.sample(500, random_state=2)
    alpha = match_l0(Exact(L1(positive=True)), X, dictionary, k, tol=0.03).value
    penalty = L1(alpha, positive=True)
    own = model.transform(X).toarray()
    best = polish(X, own, dictionary, penalty, tol=GAP).certificate.relative_gap.max()
    gap = certify(X, own, dictionary, penalty).relative_gap.mean()
    exact = task.judge(Exact(penalty), dictionary=dictionary)
    omp = task.judge(Exact(KSparse(k), OMP()), dictionary=dictionary)
    return Inference(exact.f1, omp.f1, float(gap), float(best))


def ladder(report, task, seeds, names):
    """Autoencoders, with exact codes on their dictionaries beside their own."""
    columns = {"": "", "CPU s": ".0f", **SCORES, "+-": ".3f"}
    columns |= {"exact": ".3f", "OMP": ".3f", "gap": ".3f", "published": ".3f"}
    table = report.table("Autoencoders, and exact codes on their dictionaries", columns)
    points, plain = [], []
    for name in names:
        rung, found, more, seconds = LADDER[name], [], [], []
        models = []
        for seed in range(seeds):
            begin = time.process_time()
            models.append(train_rung(rung, task.setting, task.batches(seed), task.n_steps, seed))
            seconds.append(time.process_time() - begin)
            found.append(scores_of(task.judge(models[-1])))
            more.append(infer(task, models[-1]))
        own, exact = np.mean(found, axis=0), np.mean(more, axis=0)
        f1 = [row[0] for row in found]
        table.row(
            name, np.mean(seconds), *own, np.std(f1), *exact[:3], rung.published, repetitions=f1
        )
        points += [(name, one[0], two) for one, two in zip(found, more, strict=True)]
        plain = models if name == "BatchTopK" else plain
    table.end()
    return points, plain


def leave_one_out(report, task, models):
    """Units that a sample does not need are dropped after training."""
    table = report.table("Leave-one-out selection after training, of BatchTopK", {"": "", **SCORES})
    X, _ = task.mixture.sample(5000, random_state=2)
    for factor in (1, 2, 4):
        for tau in (None, 1.0, 2.0, 3.0):
            found = []
            for model in models:
                dictionary, params = model.dictionary_, model.encoder_.params
                encoder = BatchTopK(k=factor * task.setting.k, params=params)
                encoder = encoder.set_buffers(X, dictionary)
                if tau is not None:
                    encoder = LeaveOneOut(encoder, tau)
                found.append(scores_of(task.judge(encoder, dictionary=dictionary)))
            what = "all of it" if tau is None else f"gain above {tau:g}"
            table.row(f"k = {factor * task.setting.k}, {what}", *np.mean(found, axis=0))
    table.end()


def exact_codes(report, task, alphas):
    """Exact codes on the true dictionary: all of it, and the atoms that a model has room for."""
    columns = {"": "", "weight": ".2f", **SCORES, "worst gap": ".1e"}
    mixture, width = task.mixture, task.setting.width
    whole = Dictionary(mixture.atoms, mixture.offset)
    parts = {
        "all atoms": whole,
        f"{width} most frequent": Dictionary(mixture.atoms[:width], mixture.offset),
    }
    X, truth = mixture.sample(500, random_state=2)
    n_active = round(truth.nnz / 500)
    for title, dictionary in parts.items():
        table = report.table(f"Exact codes on the true dictionary, {title}", columns)
        for alpha in alphas:
            penalty = L1(alpha, positive=True)
            zero = np.zeros((len(X), dictionary.n_components), dtype=X.dtype)
            gap = polish(X, zero, dictionary, penalty, tol=GAP).certificate.relative_gap.max()
            summary = task.judge(Exact(penalty), dictionary=dictionary)
            table.row("l1, non-negative", alpha, *scores_of(summary), gap)
        for solver in (OMP(), OLS(), IHT()):
            for k in (task.setting.k, n_active):
                encoder = Exact(KSparse(k), solver)
                summary = task.judge(encoder, dictionary=dictionary)
                name = f"{type(solver).__name__}, k = {k}"
                table.row(name, None, *scores_of(summary), None)
        table.end()


def two_by_two(report, task, models, seeds):
    """Learned or true atoms, coded by an encoder or exactly: which loses more."""
    truth = Dictionary(task.mixture.atoms[: task.setting.width], task.mixture.offset)
    rows = {"learned atoms": models, "true atoms": []}
    for seed in range(seeds):
        batches = task.batches(seed)
        rows["true atoms"].append(train_on(truth, task.setting, batches, task.n_steps, seed))
    columns = {"F1": "", "BatchTopK": ".3f", "exact l1": ".3f", "OMP": ".3f"}
    table, cells = report.table("Dictionary or inference", columns), {}
    for name, kept in rows.items():
        exact = np.mean([infer(task, model) for model in kept], axis=0)
        cells[name] = np.mean([task.judge(model).f1 for model in kept]), exact[0], exact[1]
        table.row(name, *cells[name])
    table.end()
    (ae, *ae_exact), (true, *true_exact) = cells.values()
    best, best_true = max(ae_exact), max(true_exact)
    report.note(
        f"From the autoencoder's {ae:.3f}, exact codes on its dictionary come to {best:.3f}, a "
        f"trained encoder on the true dictionary to {true:.3f}, and both to {best_true:.3f}. "
        + ("The dictionary" if true - ae > best - ae else "The inference")
        + " loses more."
    )


def learners(report, task, seeds):
    """Online dictionary learning from as many samples."""
    columns = {"": "", "CPU s": ".0f", **SCORES, "+-": ".3f"}
    table = report.table("Dictionary learning, online, as many samples", columns)
    X, _ = task.mixture.sample(500, random_state=2)
    start = Dictionary.from_samples(
        X - X.mean(axis=0), min(500, task.setting.width), random_state=0
    )
    alpha = match_l0(Exact(L1(positive=True)), X, start, task.setting.k, tol=0.1).value
    points = []
    # Learned atoms leave more nonzeros than true ones do at a weight.
    weights = {
        "k-sparse (OMP)": None,
        "non-negative l1": alpha,
        "... of twice the weight": 2 * alpha,
    }
    for name, weight in weights.items():
        found, seconds = [], []
        for seed in range(seeds):
            begin = time.process_time()
            model = learner(task.setting, weight, seed).fit(task.batches(seed))
            seconds.append(time.process_time() - begin)
            found.append(scores_of(task.judge(model)))
            points.append((name, found[-1][0], infer(task, model)))
        f1 = [row[0] for row in found]
        table.row(name, np.mean(seconds), *np.mean(found, axis=0), np.std(f1), repetitions=f1)
    table.end()
    return points


def baselines(report, task, seeds):
    """What is not learned, or not by sparsity."""
    table = report.table("Baselines", {"": "", **SCORES, "+-": ".3f"})
    X, _ = task.mixture.sample(20_000, random_state=3)
    some = X[:5000]

    def frozen(seed):
        random = untrained(task.setting, some, seed, tied=True).dictionary_
        return train_on(random, task.setting, task.batches(seed), task.n_steps, seed)

    makers = {
        "untrained, tied": lambda seed: untrained(task.setting, some, seed, tied=True),
        "random encoder": lambda seed: untrained(task.setting, some, seed, tied=False),
        "random frozen decoder, trained": frozen,
        **{
            name: (lambda seed, cls=cls: components(cls, task.setting, X, seed))
            for name, cls in BASELINES.items()
        },
    }
    for name, make in makers.items():
        with warnings.catch_warnings():
            # ICA of samples that have no independent directions.
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = [scores_of(task.judge(make(seed))) for seed in range(seeds)]
        table.row(name, *np.mean(found, axis=0), np.std([row[0] for row in found]))
    table.end()


def seeds_agree(report, models):
    """Atoms that other seeds find again."""
    if len(models) < 2:
        return
    columns = {"": "", "share": ".3f", "random": ".3f", "cosine": ".3f", "of random": ".3f"}
    table = report.table("Atoms that another seed finds again, of BatchTopK", columns)
    for threshold in (0.7, 0.9):
        found = stability(models, threshold=threshold, random_state=0)
        row = found.share, found.random_share, found.mean_cosine, found.random_cosine
        table.row(f"cosine above {threshold:g}", *row)
    table.end()


def scatter(report, points):
    """Drawing of the F1 of codes against their duality gap."""
    path = report.picture("gaps", "F1 of codes against their relative duality gap")
    if path is None:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axes = figure.add_subplot()
    # Codes that are not all positive have no gap.
    points = [point for point in points if np.isfinite(point[2].gap)]
    for name in dict.fromkeys(name for name, *_ in points):
        own = [(more.gap, f1) for label, f1, more in points if label == name]
        axes.plot(*np.transpose(own), "o", label=name)
    axes.set(xlabel="duality gap over ||x||²/2", ylabel="F1 of the latents", xlim=0, ylim=0)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=150)


@click.command()
@click.option("--preset", default="4k", show_default=True, type=click.Choice(list(SETTINGS)))
@click.option("--samples", default=2e6, show_default=True, help="Samples to learn from.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--rung", "names", multiple=True, type=click.Choice(list(LADDER)))
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only these.")
@quick_option
def main(preset, samples, seeds, names, parts, quick):
    """Print what finds the true features of a preset."""
    if quick:
        preset, samples, seeds, names = "1k", 8192, 1, names or ["BatchTopK", "nested widths"]
    mixture = make_feature_mixture(preset, n_steps=5 if quick else 100, random_state=0)
    task = Task(mixture, SETTINGS[preset], int(samples), 512 if quick else 20_000)
    width, k = task.setting[:2]
    report = Report(
        f"Known features, preset {preset}: {mixture.n_components} in {mixture.n_features} "
        f"dimensions, {width} latents, k = {k}, {int(samples):,} samples, {seeds} seeds"
        + (", quick" * quick)
    )
    report.note(NOTES)
    parts, points = parts or PARTS, []
    if "ladder" in parts:
        points, plain = ladder(report, task, seeds, names or list(LADDER))
        if plain:
            leave_one_out(report, task, plain)
            seeds_agree(report, plain)
            two_by_two(report, task, plain, seeds)
    if "exact" in parts:
        exact_codes(report, task, (1.0,) if quick else (0.25, 0.5, 1.0, 1.5, 2.0, 3.0))
    if "probes" in parts:
        probes(report, task)
    if "learners" in parts:
        points += learners(report, task, seeds)
    if "baselines" in parts:
        baselines(report, task, seeds)
    if points:
        scatter(report, points)
    report.finish()


if __name__ == "__main__":
    main()
