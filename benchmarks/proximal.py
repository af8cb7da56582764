"""ISTA and FISTA: certified gaps, and speed against scikit-learn and SPAMS at the same gap.

Dictionaries are learned from the bundled photographs, the gap is the relative duality gap of the
worst sample judged in float64, and every competitor gets the loosest setting that reaches it. One
thread each, interleaved, medians. Run: ``python benchmarks/proximal.py``; SPAMS is skipped with a
reason where it is not installed.
"""

from __future__ import annotations

import warnings

import click
import numpy as np
from _common import interleaved, patches, quick_option
from _report import Report
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


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=N_ROUNDS, show_default=True)
@quick_option
def main(rounds, quick):
    """Print the gaps that are reached, and the time to one of them."""
    report = Report("Proximal solvers, 8x8 patches, 256 atoms, l1")
    X = patches(8, 30 if quick else N_SAMPLES, seed=1)
    dictionary = _learn(patches(8, 20_000, seed=0))
    exact = FISTA(tol=1e-10, max_iter=100_000).solve(X, dictionary, L1(ALPHA))
    nonzeros = (exact.codes != 0).sum(axis=1).mean()
    report.note(f"{len(X)} patches, alpha {ALPHA}, {nonzeros:.1f} nonzeros a code.")
    _print_gaps(report, X, dictionary)
    _print_speed(report, X, dictionary, 1 if quick else rounds)
    report.finish()


def _learn(X):
    learner = MiniBatchDictionaryLearning(
        256, alpha=ALPHA, batch_size=256, max_iter=5, random_state=0, transform_algorithm="lasso_cd"
    )
    return Dictionary(learner.fit(X).components_)


def _print_gaps(report, X, dictionary):
    columns = {"solver": "", "asked": ".0e", "worst gap": ".1e", "median gap": ".1e"}
    columns |= {"iterations, median": ".0f", "most": "d"}
    table = report.table("Certified gaps", columns)
    for dtype, tol in ((np.float64, 1e-8), (np.float32, 1e-5)):
        for solver in (ISTA(tol=tol, max_iter=200_000), FISTA(tol=tol, max_iter=50_000)):
            result = solver.solve(X.astype(dtype), dictionary.astype(dtype), L1(ALPHA))
            gap = result.certificate.relative_gap
            table.row(
                f"{type(solver).__name__} {np.dtype(dtype).name}", tol, gap.max(), np.median(gap),
                np.median(result.n_iter), result.n_iter.max(),
            )  # fmt: skip
    table.end()


def _print_speed(report, X, dictionary, n_rounds):
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
    seconds = interleaved(runs, n_rounds)
    ours = seconds["FISTA float64"]
    title = f"One thread, gap {GAP:.0e} on every sample, medians of {n_rounds} interleaved rounds"
    columns = {"solver": "", "us a sample": ".1f", "worst gap": ".1e", "time, x FISTA": ".2f"}
    table = report.table(title, columns)
    for name, values in seconds.items():
        gap = certify(X, codes[name], dictionary, L1(ALPHA)).relative_gap.max()
        micros, ratio = 1e6 * np.median(values) / len(X), np.median(values / ours)
        table.row(name, micros, gap, ratio, repetitions=values)
    if spams is None:
        table.absent("SPAMS fistaFlat float64")


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
