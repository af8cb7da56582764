"""scikit-learn against the drop-in: seconds and objective of every function, the same settings.

Whitened 8 x 8 patches of the bundled photographs, interleaved, medians. Both with the default
``n_jobs``, which is one core for scikit-learn and all of them here; with
``taskset -c 0`` both have one. Then the objectives that learning ends at on small problems, noise
and signals of few atoms, relative to scikit-learn's: mean, least and most of some draws. Run:
``python benchmarks/dropin.py``.
"""

from __future__ import annotations

import warnings

import click
import numpy as np
import sklearn.decomposition
from _common import interleaved, patches, quick_option
from _report import Report
from sklearn.exceptions import ConvergenceWarning

from sparsecode import dropin
from sparsecode.datasets import make_sparse_signals

N_SAMPLES = 2000
N_COMPONENTS = 128
N_ROUNDS = 3
# Of the l1 norm: about 10 of 128 atoms.
ALPHA = 0.2
_LASSO = ("lasso_lars", "lasso_cd")
# Samples, features and atoms of small problems, and how many of each are drawn.
SMALL, N_DRAWS = ((60, 8, 5), (100, 10, 8), (200, 20, 15), (100, 10, 20), (200, 20, 40)), 8
COLUMNS = {"function": "", "ours, s": ".3f", "scikit-learn, s": ".3f", "times faster": ".1f"}
COLUMNS |= {"objective, ours": ".6g", "objective, scikit-learn": ".6g"}
ENDS = {"problem": "", "mean": "+.2f", "least": "+.2f", "most": "+.2f"}


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=N_ROUNDS, show_default=True)
@click.option("--draws", type=click.IntRange(0), default=N_DRAWS, show_default=True)
@quick_option
def main(rounds, draws, quick):
    """Print seconds and objectives of both libraries."""
    report = Report("Drop-in: median seconds, and objective of the codes")
    X = patches(8, 100 if quick else N_SAMPLES)
    rounds, draws = (1, 1) if quick else (rounds, draws)
    table = report.table(
        f"{len(X)} patches of {X.shape[1]} pixels, {N_COMPONENTS} atoms, alpha {ALPHA}", COLUMNS
    )
    atoms = dropin.MiniBatchDictionaryLearning(
        N_COMPONENTS, alpha=ALPHA, max_iter=5, random_state=0
    ).fit(patches(8, 5000, seed=1))
    for algorithm in (*_LASSO, "lars", "omp", "threshold"):
        _compare_coding(table, rounds, X, atoms.components_, algorithm)
    settings = {"n_components": N_COMPONENTS, "alpha": ALPHA, "random_state": 0}
    _compare_learning(table, 1, "dict_learning", X, **settings, max_iter=5, method="cd")
    _compare_learning(table, rounds, "dict_learning_online", X, **settings, max_iter=5)
    _compare_learning(table, rounds, "dict_learning_online", X, **settings, max_iter=5, method="cd")
    table.end()
    if draws:
        table = report.table("Objective at the end of learning, over scikit-learn's, in %", ENDS)
        for draw in (_noise, _signals):
            for size in SMALL[:1] if quick else SMALL:
                for alpha in (1.0, 0.3):
                    _compare_ends(table, draw, size, alpha, draws)
    report.finish()


def _noise(n_samples, n_features, seed):
    return np.random.default_rng(seed).standard_normal((n_samples, n_features))


def _signals(n_samples, n_features, seed):
    options = {"n_features": n_features, "n_nonzero": 3, "snr_db": 30, "random_state": seed}
    return 3 * make_sparse_signals(n_samples, n_components=2 * n_features, **options).X


def _compare_ends(table, draw, size, alpha, n_draws):
    n_samples, n_features, n_components = size
    ratios = []
    for seed in range(n_draws):
        X = draw(n_samples, n_features, seed)
        options = {"alpha": alpha, "max_iter": 100, "method": "cd", "random_state": seed}
        values = []
        for module in (sklearn.decomposition, dropin):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                atoms = module.dict_learning(X, n_components, **options)[1]
            codes = dropin.sparse_encode(X, atoms, alpha=alpha)
            values.append(_objective(X, codes, atoms, alpha))
        ratios.append(100 * (values[1] / values[0] - 1))
    mean, least, most = np.mean(ratios), min(ratios), max(ratios)
    label = f"{draw.__name__[1:]} {n_samples} x {n_features}, {n_components} atoms, alpha {alpha:g}"
    table.row(label, mean, least, most, repetitions=ratios)


def _compare_coding(table, n_rounds, X, atoms, algorithm):
    options = {"algorithm": algorithm}
    if algorithm in (*_LASSO, "threshold"):
        options["alpha"] = ALPHA
    found = {}

    def run_of(module):
        def run():
            found[module] = module.sparse_encode(X, atoms, **options)

        return run

    def objective(codes):
        weight = ALPHA if algorithm in _LASSO else 0.0
        return _objective(X, codes, atoms, weight)

    _time(table, f"sparse_encode {algorithm}", run_of, found, objective, n_rounds)


def _compare_learning(table, n_rounds, name, X, **options):
    found = {}

    def run_of(module):
        def run():
            found[module] = getattr(module, name)(X, **options)[1]

        return run

    def objective(atoms):
        # Both dictionaries with the best codes.
        codes = dropin.sparse_encode(X, atoms, alpha=ALPHA)
        return _objective(X, codes, atoms, ALPHA)

    _time(table, f"{name} {options.get('method', 'lars')}", run_of, found, objective, n_rounds)


def _time(table, label, run_of, found, objective, n_rounds):
    modules = {"sklearn": sklearn.decomposition, "drop-in": dropin}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        # Compiles.
        run_of(dropin)()
        seconds = interleaved({key: run_of(m) for key, m in modules.items()}, n_rounds)
    theirs, mine = (float(np.median(seconds[key])) for key in modules)
    values = [objective(found[module]) for module in modules.values()]
    table.row(label, mine, theirs, theirs / mine, *values[::-1], repetitions=seconds)


def _objective(X, codes, atoms, alpha):
    return (0.5 * np.sum((X - codes @ atoms) ** 2) + alpha * np.abs(codes).sum()) / len(X)


if __name__ == "__main__":
    main()
