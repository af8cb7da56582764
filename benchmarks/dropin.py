"""scikit-learn against the drop-in: seconds and objective of every function, the same settings.

Whitened 8 x 8 patches of the bundled photographs, interleaved, medians. Both with the default
``n_jobs``, which is one core for scikit-learn and all of them here; with
``taskset -c 0`` both have one. Then the objectives that learning ends at on small problems, noise
and signals of few atoms, relative to scikit-learn's: mean, least and most of some draws. Run:
``python benchmarks/dropin.py``.
"""

from __future__ import annotations

import warnings

import numpy as np
import sklearn.decomposition
from _common import interleaved, patches, print_header
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


def main():
    print_header("Drop-in: median seconds, and objective of the codes")
    X = patches(8, N_SAMPLES)
    print(f"{N_SAMPLES} patches of {X.shape[1]} pixels, {N_COMPONENTS} atoms, alpha {ALPHA}")
    print(f"{'':34s} {'sklearn':>9s} {'drop-in':>9s} {'ratio':>7s}  objectives a sample")
    atoms = dropin.MiniBatchDictionaryLearning(
        N_COMPONENTS, alpha=ALPHA, max_iter=5, random_state=0
    ).fit(patches(8, 5000, seed=1))
    for algorithm in (*_LASSO, "lars", "omp", "threshold"):
        _compare_coding(X, atoms.components_, algorithm)
    settings = {"n_components": N_COMPONENTS, "alpha": ALPHA, "random_state": 0}
    _compare_learning("dict_learning", X, n_rounds=1, **settings, max_iter=5, method="cd")
    _compare_learning("dict_learning_online", X, **settings, max_iter=5)
    _compare_learning("dict_learning_online", X, **settings, max_iter=5, method="cd")
    for draw in (_noise, _signals):
        for size in SMALL:
            for alpha in (1.0, 0.3):
                _compare_ends(draw, size, alpha)


def _noise(n_samples, n_features, seed):
    return np.random.default_rng(seed).standard_normal((n_samples, n_features))


def _signals(n_samples, n_features, seed):
    options = {"n_features": n_features, "n_nonzero": 3, "snr_db": 30, "random_state": seed}
    return 3 * make_sparse_signals(n_samples, n_components=2 * n_features, **options).X


def _compare_ends(draw, size, alpha):
    n_samples, n_features, n_components = size
    ratios = []
    for seed in range(N_DRAWS):
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
    print(f"{label:48s} {mean:+6.2f} % ({least:+.2f} to {most:+.2f})", flush=True)


def _compare_coding(X, atoms, algorithm):
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

    _report(f"sparse_encode {algorithm}", run_of, found, objective, N_ROUNDS)


def _compare_learning(name, X, *, n_rounds=N_ROUNDS, **options):
    found = {}

    def run_of(module):
        def run():
            found[module] = getattr(module, name)(X, **options)[1]

        return run

    def objective(atoms):
        # Both dictionaries with the best codes.
        codes = dropin.sparse_encode(X, atoms, alpha=ALPHA)
        return _objective(X, codes, atoms, ALPHA)

    _report(f"{name} {options.get('method', 'lars')}", run_of, found, objective, n_rounds)


def _report(label, run_of, found, objective, n_rounds):
    modules = {"sklearn": sklearn.decomposition, "drop-in": dropin}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        # Compiles.
        run_of(dropin)()
        seconds = interleaved({key: run_of(m) for key, m in modules.items()}, n_rounds)
    theirs, mine = (float(np.median(seconds[key])) for key in modules)
    values = ", ".join(f"{objective(found[module]):.6g}" for module in modules.values())
    ratio = theirs / mine
    print(f"{label:34s} {theirs:9.3f} {mine:9.3f} {ratio:7.1f}  {values}", flush=True)


def _objective(X, codes, atoms, alpha):
    return (0.5 * np.sum((X - codes @ atoms) ** 2) + alpha * np.abs(codes).sum()) / len(X)


if __name__ == "__main__":
    main()
