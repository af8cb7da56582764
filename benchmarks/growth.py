"""Seconds of coding against samples, atoms, features and nonzeros, ours beside peers.

One size grows, the others stay. Both sides have the Gram matrix to compute, one thread, medians of
rounds in turn; exact l1 codes to a gap of 1e-6. Slow peers stop growing where a call takes
seconds. Run: ``python benchmarks/growth.py``; SPAMS is optional.
"""

from __future__ import annotations

import warnings

import click
import numpy as np
from _common import clock, missing, quick_option
from _report import Report
from sklearn.decomposition import sparse_encode
from threadpoolctl import threadpool_limits

from sparsecode import Dictionary
from sparsecode.datasets import make_sparse_signals
from sparsecode.penalties import L1
from sparsecode.solvers import FISTA, FeatureSign

BASE = {"samples": 1000, "atoms": 256, "features": 64, "nonzeros": 8}
SIZES = {
    "samples": (1, 10, 100, 1000, 10_000),
    "atoms": (64, 128, 256, 512, 1024, 2048),
    "features": (32, 64, 128, 256, 512),
    "nonzeros": (2, 4, 8, 16, 32),
}
# A peer whose call took so long is not asked for more.
LONGEST = 3.0
# A round calls one that is quick for so long.
ROUND = 0.1
SPAMS = "SPAMS lasso"


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@quick_option
def main(rounds, quick):
    """Print a table for each size that grows, and draw all of them."""
    report = Report("Growth of the seconds of exact coding, one thread")
    with threadpool_limits(limits=1):
        curves = {}
        for name, sizes in SIZES.items():
            sizes = sizes[:2] if quick else sizes
            base = {**BASE, "samples": 100} if quick else BASE
            curves[name] = _grow(report, name, sizes, base, 1 if quick else rounds)
    path = report.picture("curves", "Seconds against samples, atoms, features and nonzeros.")
    if path is not None:
        _draw(curves, path)
    report.finish()


def _grow(report, grown, sizes, base, n_rounds):
    """Seconds of every coder at every size; adds a table."""
    rest = ", ".join(f"{value} {name}" for name, value in base.items() if name != grown)
    peers = ("FeatureSign", "FISTA", SPAMS, "scikit-learn lasso_cd")
    columns = {grown: "d", "l0 of codes": ".1f"}
    columns |= {f"{peer}, ms": ".3g" for peer in peers} | {"x SPAMS": ".2f"}
    table = report.table(f"Growing {grown}; {rest}; milliseconds of a call", columns)
    curves, too_slow = {peer: ([], []) for peer in peers}, set()
    for size in sizes:
        coders, count = _coders(**{**base, grown: size})
        runs = {name: run for name, run in coders.items() if name not in too_slow}
        # The first call compiles; those that are over soon are made several times.
        first = {name: (run(), clock(run))[1] for name, run in runs.items()}
        calls = {name: int(np.clip(ROUND / t, 1, 1000)) for name, t in first.items()}
        seconds = {name: [] for name in runs}
        for _ in range(n_rounds):
            for name, run in runs.items():
                taken = clock(lambda run=run, n=calls[name]: [run() for _ in range(n)])
                seconds[name].append(taken / calls[name])
        medians = {name: float(np.median(values)) for name, values in seconds.items()}
        too_slow |= {name for name, value in medians.items() if value > LONGEST}
        for name, value in medians.items():
            curves[name][0].append(count if grown == "nonzeros" else size)
            curves[name][1].append(value)
        cells = [_cell(medians, peer, too_slow) for peer in peers]
        ratio = medians[SPAMS] / medians["FeatureSign"] if SPAMS in medians else None
        table.row(size, count, *cells, ratio, repetitions=seconds)
    table.end()
    return curves


def _cell(medians, peer, too_slow):
    if peer in medians:
        return 1e3 * medians[peer]
    return "too slow" if peer in too_slow else "not installed"


def _coders(samples, atoms, features, nonzeros):
    """Functions that code the same problem, by name, and the number of nonzeros of a code."""
    signals = make_sparse_signals(
        samples, atoms, features, n_nonzero=min(nonzeros, atoms), snr_db=20, random_state=0
    )
    X, D = np.ascontiguousarray(signals.X), np.asarray(signals.atoms, dtype=np.float64)
    # About as many nonzeros as the signals have.
    size = np.abs(X @ D.T).max(axis=1)
    alpha = float(0.3 * np.median(size) / np.sqrt(nonzeros))

    def ours(solver):
        # A new dictionary has no Gram matrix yet.
        return lambda: solver.solve(X, Dictionary(D), L1(alpha), n_jobs=1)

    def lasso_cd():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sparse_encode(X, D, algorithm="lasso_cd", alpha=alpha, max_iter=1000, n_jobs=1)

    runs = {"FeatureSign": ours(FeatureSign()), "FISTA": ours(FISTA())}
    if missing("spams", "spams-bin") is None:
        runs[SPAMS] = _spams(X, D, alpha)
    exact = FeatureSign().solve(X[:100], Dictionary(D), L1(alpha)).codes
    count = float(np.count_nonzero(exact, axis=1).mean())
    return {**runs, "scikit-learn lasso_cd": lasso_cd}, count


def _spams(X, D, alpha):
    import spams

    columns, atoms = np.asfortranarray(X.T), np.asfortranarray(D.T)
    return lambda: spams.lasso(columns, D=atoms, lambda1=alpha, mode=2, numThreads=1)


def _draw(curves, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(9, 7), layout="constrained")
    for ax, (grown, lines) in zip(axes.flat, curves.items(), strict=True):
        for name, (sizes, seconds) in lines.items():
            if sizes:
                ax.loglog(sizes, seconds, "o-", label=name)
        ax.set_xlabel(grown)
        ax.set_ylabel("seconds")
        ax.grid(alpha=0.3)
    axes.flat[0].legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
