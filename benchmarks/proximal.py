"""ISTA and FISTA: certified gaps, and speed against scikit-learn and SPAMS at the same gap.

Dictionaries are learned from the bundled photographs, the gap is the relative duality gap of the
worst sample judged in float64, and every competitor gets the loosest setting that reaches it. One
thread each, interleaved, medians. Run: ``python benchmarks/proximal.py``; SPAMS is skipped with a
reason where it is not installed.
"""

from __future__ import annotations

import warnings

import numpy as np
from _common import interleaved, patches, print_header
from sklearn.decomposition import MiniBatchDictionaryLearning, sparse_encode
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sparsecode import Dictionary, certify
from sparsecode.penalties import L1
from sparsecode.solvers import FISTA, ISTA

N_SAMPLES = 1000
N_ROUNDS = 7
GAP = 1e-4
ALPHA = 0.3


def main():
    print_header("Proximal solvers, 8x8 patches, 256 atoms, l1")
    X = patches(8, N_SAMPLES, seed=1)
    dictionary = _learn(patches(8, 20_000, seed=0))
    exact = FISTA(tol=1e-10, max_iter=100_000).solve(X, dictionary, L1(ALPHA))
    print(
        f"{N_SAMPLES} patches, alpha {ALPHA}, {(exact.codes != 0).sum(axis=1).mean():.1f} nonzeros"
    )
    print()
    _print_gaps(X, dictionary)
    print()
    _print_speed(X, dictionary)


def _learn(X):
    learner = MiniBatchDictionaryLearning(
        256, alpha=ALPHA, batch_size=256, max_iter=5, random_state=0, transform_algorithm="lasso_cd"
    )
    return Dictionary(learner.fit(X).components_)


def _print_gaps(X, dictionary):
    print("solver  dtype    asked    worst gap  median gap  iterations (median, worst)")
    for dtype, tol in ((np.float64, 1e-8), (np.float32, 1e-5)):
        for solver in (ISTA(tol=tol, max_iter=200_000), FISTA(tol=tol, max_iter=50_000)):
            result = solver.solve(X.astype(dtype), dictionary.astype(dtype), L1(ALPHA))
            gap = result.certificate.relative_gap
            print(
                f"{type(solver).__name__:7s} {np.dtype(dtype).name:8s} {tol:.0e}    {gap.max():.1e}"
                f"    {np.median(gap):.1e}     {np.median(result.n_iter):.0f},"
                f" {result.n_iter.max()}"
            )


def _print_speed(X, dictionary):
    codes = {}
    runs = {}
    for dtype in (np.float64, np.float32):
        runs[f"FISTA {np.dtype(dtype).name}"] = _ours(
            X.astype(dtype), dictionary.astype(dtype), codes
        )
    runs["scikit-learn lasso_cd float64"] = _sklearn(X, dictionary, codes)
    spams = _spams(X, dictionary, codes)
    if spams is not None:
        runs["SPAMS fistaFlat float64"] = spams
    for run in runs.values():
        run()
    seconds = interleaved(runs, N_ROUNDS)
    ours = seconds["FISTA float64"]
    print(f"one thread, gap {GAP:.0e} on every sample, medians of {N_ROUNDS} interleaved rounds")
    print("competitor                       us/sample  worst gap  time / FISTA float64")
    for name, values in seconds.items():
        gap = certify(X, codes[name], dictionary, L1(ALPHA)).relative_gap.max()
        print(
            f"{name:32s} {1e6 * np.median(values) / len(X):9.1f}  {gap:9.1e}  "
            f"{np.median(values / ours):8.2f}"
        )


def _ours(X, dictionary, codes):
    solver = FISTA(tol=GAP, max_iter=20_000)
    dictionary.gram, dictionary.lipschitz  # noqa: B018  prepared on both sides

    def run():
        codes[f"FISTA {X.dtype.name}"] = solver.solve(X, dictionary, L1(ALPHA), n_jobs=1).codes

    return run


def _sklearn(X, dictionary, codes):
    gram = dictionary.gram

    def encode(max_iter):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return sparse_encode(
                X, dictionary.atoms, gram=gram, algorithm="lasso_cd", alpha=ALPHA,
                max_iter=max_iter, n_jobs=1, check_input=False,
            )  # fmt: skip

    def run():
        codes["scikit-learn lasso_cd float64"] = encode(n_sweeps)

    # sparse_encode has no tolerance, so the number of sweeps is what can be loosened.
    n_sweeps = _first_that_reaches_the_gap(encode, range(2, 1001), X, dictionary)
    return run


def _spams(X, dictionary, codes):
    try:
        import spams
    except ImportError:
        print("SPAMS skipped: not installed (pip install spams-bin)")
        return None
    columns = np.asfortranarray(X.T)
    atoms = np.asfortranarray(dictionary.atoms.T)
    start = np.zeros((dictionary.n_components, len(X)), order="F")

    def encode(tol):
        return spams.fistaFlat(
            columns, atoms, start, loss="square", regul="l1", lambda1=ALPHA,
            max_it=20_000, tol=tol, numThreads=1, it0=10,
        ).T  # fmt: skip

    def run():
        codes["SPAMS fistaFlat float64"] = encode(tol)

    tol = _first_that_reaches_the_gap(encode, 1e-2 * 0.7 ** np.arange(60), X, dictionary)
    return run


def _first_that_reaches_the_gap(encode, settings, X, dictionary):
    for setting in settings:
        codes = np.ascontiguousarray(encode(setting))
        if certify(X, codes, dictionary, L1(ALPHA)).relative_gap.max() <= GAP:
            return setting
    raise RuntimeError(f"a competitor did not reach a gap of {GAP:g} with any setting")


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        main()
