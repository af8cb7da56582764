"""Which solver is the fastest for each kind of penalty, and where it ends: behind `choose_solver`.

Every solver that takes a penalty codes the same samples to its tolerance of 1e-6. One thread,
interleaved, medians; objectives are means over samples. Run: ``python benchmarks/defaults.py``.
"""

from __future__ import annotations

import warnings

import click
import numpy as np
from _common import interleaved, patches, quick_option
from _report import Report
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sparsecode import Dictionary, solvers
from sparsecode.datasets import make_sparse_signals
from sparsecode.penalties import L0, L1, MCP, SCAD, Cauchy, ElasticNet, GroupL1, LogSum, Tanh
from sparsecode.solvers import Solver, choose_solver

N_SAMPLES = 128
N_ROUNDS = 5
TOL = 1e-6
# How many times slower than the fastest a solver may be to be timed more than once.
_FAR = 10
COLUMNS = dict.fromkeys(("fastest", "second", "third", "fourth"), "")
NOTES = """\
A star marks the default. In brackets: the mean objective over that of the default, with "!" where
not all samples converged. Weight of l1, or threshold: 0.2 of the median largest correlation."""


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=N_ROUNDS, show_default=True)
@quick_option
def main(rounds, quick):
    """Print the fastest solvers of each penalty."""
    report = Report("Default solvers: microseconds a sample, the four fastest of each penalty")
    report.note(NOTES)
    for name, X, dictionary in _problems():
        X = X[:8] if quick else X
        table = report.table(f"{name}, {len(X)} samples", {"penalty": "", **COLUMNS})
        size = float(np.median(np.abs(dictionary.correlate(X)).max(axis=1)))
        tried = _penalties(0.2 * size, size, dictionary.n_components)
        # Every pair of a solver and a penalty is compiled.
        for label in ("l1", "MCP") if quick else tried:
            penalty = tried[label]
            _compare(table, label, penalty, X, dictionary, 1 if quick else rounds)
        table.end()
        if quick:
            break
    report.finish()


def _problems():
    tiny = Dictionary.random(32, 16, random_state=0)
    signals = {"n_nonzero": 2, "snr_db": 20, "random_state": 0}
    yield "random 32x16", make_sparse_signals(N_SAMPLES, dictionary=tiny, **signals).X, tiny
    random = Dictionary.random(256, 64, random_state=0)
    signals["n_nonzero"] = 8
    yield "random 256x64", make_sparse_signals(N_SAMPLES, dictionary=random, **signals).X, random
    X = patches(8, 4000)
    # Patches of the sky have next to nothing to code.
    X = X[np.linalg.norm(X, axis=1) > 1]
    atoms = Dictionary.from_samples(X[N_SAMPLES:], 256, random_state=0)
    yield "patches on patches 256x64", X[:N_SAMPLES], atoms


def _penalties(weight, size, n_components):
    """Penalties that set coefficients to zero at about the same size."""
    free = np.r_[0.0, 0.0, np.ones(n_components - 2)]
    return {
        "l1": L1(weight),
        "l1, two free": L1(weight, weights=free),
        "ridge": ElasticNet(weight, l1_ratio=0.0),
        "groups of 2": GroupL1(weight, groups=2),
        "groups of 8": GroupL1(weight, groups=8),
        "l0": L0(weight**2 / 2),
        "MCP": MCP(weight, knot=3 * weight),
        "SCAD": SCAD(weight, knot=3.7 * weight),
        "log-sum": LogSum(0.15 * size * weight, epsilon=0.15 * size),
        "tanh": Tanh(weight**2 / 2, scale=2 / weight),
        "Cauchy": Cauchy(0.15 * size * weight, sigma=0.3 * size),
    }


def _compare(table, label, penalty, X, dictionary, n_rounds):
    default = type(choose_solver(penalty)).__name__
    found = {}

    def run_of(solver, X=X):
        def run():
            found[type(solver).__name__] = solver.solve(X, dictionary, penalty, n_jobs=1)

        return run

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for solver in _solvers_of(penalty):
            run_of(solver, X[:2])()
        runs = {type(solver).__name__: run_of(solver) for solver in _solvers_of(penalty)}
        once = interleaved(runs, 1)
        best = min(values[0] for values in once.values())
        near = {name: run for name, run in runs.items() if once[name][0] < _FAR * best}
        seconds = {**once, **interleaved(near, n_rounds)}
    micros = {name: 1e6 * np.median(values) / len(X) for name, values in seconds.items()}
    reference = found[default].certificate.objective.mean()
    cells = []
    for name in sorted(micros, key=micros.get)[:4]:
        ratio = found[name].certificate.objective.mean() / reference
        mark = "" if found[name].converged.all() else "!"
        star = "*" if name == default else ""
        cells.append(f"{star}{name} {micros[name]:.0f} ({ratio:.3f}{mark})")
    cells += [None] * (len(COLUMNS) - len(cells))
    table.row(label, *cells, repetitions=seconds)


def _solvers_of(penalty):
    for name in solvers.__all__:
        kind = getattr(solvers, name)
        if isinstance(kind, type) and issubclass(kind, Solver) and kind is not Solver:
            try:
                kind().check_penalty(penalty)
            except TypeError:
                continue
            yield kind(tol=TOL)


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        main()
