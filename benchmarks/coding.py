"""Exact codes: samples a second and certified gaps, ours against SPAMS and scikit-learn.

Workloads on whitened patches of the bundled photographs, with learned dictionaries: A is 8x8
patches and 256 atoms, about 8 nonzeros a code; B 16x16 and 1024 atoms, about 15; C as B with about
90; D as A, non-negative; E as B with an elastic net. One table from one run: competitors
interleaved, medians, the gap is the relative duality gap of the worst sample judged in float64,
"floor" is the bare product ``X @ atoms.T`` in float32. Run: ``python benchmarks/coding.py
[--threads 2] [A B ...]``.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import click
import numpy as np
from _common import interleaved, patches, print_header
from sklearn.decomposition import sparse_encode
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sparsecode import Dictionary, certify
from sparsecode.encoders import Exact
from sparsecode.learning import alternate
from sparsecode.penalties import L1, ElasticNet
from sparsecode.solvers import FeatureSign
from sparsecode.updates import GradientUpdate

N_ROUNDS = 5


@dataclass
class Workload:
    """A problem, and how many samples of it keep the benchmark short."""

    patch_size: int
    n_components: int
    n_nonzero: int
    n_samples: int
    positive: bool = False
    l1_ratio: float = 1.0

    def penalty(self, alpha):
        if self.l1_ratio < 1:
            return ElasticNet(alpha / self.l1_ratio, self.l1_ratio, self.positive)
        return L1(alpha, positive=self.positive)


WORKLOADS = {
    "A": Workload(8, 256, 8, 8192),
    "B": Workload(16, 1024, 15, 2048),
    "C": Workload(16, 1024, 90, 512),
    "D": Workload(8, 256, 8, 8192, positive=True),
    "E": Workload(16, 1024, 15, 2048, l1_ratio=0.9),
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(WORKLOADS)))
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
def main(names, threads):
    """Print the table for the workloads NAMES, by default all of them."""
    print_header(f"Exact coding, {threads} thread(s)")
    print("workload  solver                   samples/s  us/sample  worst gap  mean gap  "
          "of SPAMS  of floor")  # fmt: skip
    dictionaries = {}
    for name in names or WORKLOADS:
        work = WORKLOADS[name]
        key = (work.patch_size, work.n_components)
        if key not in dictionaries:
            dictionaries[key] = _learn(*key)
        with threadpool_limits(limits=threads):
            _run(name, work, dictionaries[key], threads)


def _learn(patch_size, n_components):
    """A dictionary learned by gradient steps on exact codes."""
    X = patches(patch_size, 30_000).astype(np.float32)
    X = X[np.linalg.norm(X, axis=1) > 1]
    penalty = L1(0.1 * np.median(np.linalg.norm(X, axis=1)))
    start = Dictionary.from_samples(X, n_components, random_state=0)
    batches = (X[i : i + 512] for _ in range(10) for i in range(0, len(X) - 511, 512))
    encoder = Exact(penalty, FeatureSign(tol=1e-3))
    for state in alternate(encoder, start, batches, update=GradientUpdate(lr=2.0)):
        last = state
    return Dictionary(last.dictionary.atoms.astype(np.float64))


def _run(name, work, dictionary, threads):
    X = patches(work.patch_size, 20_000, seed=1)
    X = X[np.linalg.norm(X, axis=1) > 1][: work.n_samples]
    alpha = _alpha_for(X, dictionary, work)
    penalty = work.penalty(alpha)
    single, X32 = dictionary.astype(np.float32), X.astype(np.float32)
    codes = {}

    def ours(X, dictionary, tol, label):
        dictionary.gram  # noqa: B018  prepared on both sides

        def run():
            codes[label] = FeatureSign(tol=tol).solve(X, dictionary, penalty, n_jobs=threads).codes

        return run

    runs = {
        "floor": lambda: X32 @ single.atoms.T,
        "ours float32, gap 1e-4": ours(X32, single, 1e-4, "ours float32, gap 1e-4"),
        "ours float64, gap 1e-6": ours(X, dictionary, 1e-6, "ours float64, gap 1e-6"),
    }
    for dtype in (np.float64, np.float32):
        label = f"SPAMS lasso {np.dtype(dtype).name}"
        run = _spams(X.astype(dtype), dictionary.astype(dtype), work, alpha, threads, codes, label)
        if run is not None:
            runs[label] = run
    for run in runs.values():
        run()
    seconds = interleaved(runs, N_ROUNDS)
    nonzero = (codes["ours float64, gap 1e-6"] != 0).sum(axis=1).mean()
    print(f"{name}: alpha {alpha:.3f}, {nonzero:.1f} nonzeros, {len(X)} samples")
    for label, values in seconds.items():
        _print_row(label, values, seconds, len(X), codes, X, dictionary, penalty)
    few = min(len(X), 200)
    if work.l1_ratio == 1:
        begin = time.perf_counter()
        with warnings.catch_warnings():
            # The gap in the table says how far it came.
            warnings.simplefilter("ignore", ConvergenceWarning)
            got = sparse_encode(
                X[:few], dictionary.atoms, algorithm="lasso_cd", alpha=alpha, gram=dictionary.gram,
                positive=work.positive, max_iter=10_000, n_jobs=1,
            )  # fmt: skip
        values = np.array([time.perf_counter() - begin]) * len(X) / few
        codes["scikit-learn lasso_cd"] = got
        _print_row(
            "scikit-learn lasso_cd", values, seconds, len(X), codes, X[:few], dictionary, penalty
        )


def _print_row(label, values, seconds, n_samples, codes, X, dictionary, penalty):
    median = np.median(values)
    line = f"          {label:24s} {n_samples / median:9.0f}  {1e6 * median / n_samples:9.2f}"
    if label in codes:
        gap = certify(X, codes[label][: len(X)], dictionary, penalty).relative_gap
        line += f"  {gap.max():9.1e}  {gap.mean():8.1e}"
    else:
        line += " " * 21
    spams = seconds.get("SPAMS lasso float64")
    line += f"  {np.median(spams) / median:7.1f}x" if spams is not None else " " * 10
    print(line + f"  {median / np.median(seconds['floor']):7.1f}x", flush=True)


def _alpha_for(X, dictionary, work):
    """The alpha at which codes have about the wanted number of nonzeros, by bisection."""
    low, high = 1e-3, np.abs(dictionary.correlate(X[:256])).max()
    for _ in range(20):
        alpha = np.sqrt(low * high)
        codes = FeatureSign(tol=1e-4).solve(X[:256], dictionary, work.penalty(alpha)).codes
        if (codes != 0).sum(axis=1).mean() > work.n_nonzero:
            low = alpha
        else:
            high = alpha
    return float(alpha)


def _spams(X, dictionary, work, alpha, threads, codes, label):
    try:
        import spams
    except ImportError:
        print("SPAMS skipped: not installed (pip install spams-bin)")
        return None
    columns, atoms = np.asfortranarray(X.T), np.asfortranarray(dictionary.atoms.T)
    ridge = alpha / work.l1_ratio * (1 - work.l1_ratio)

    def run():
        codes[label] = spams.lasso(
            columns, D=atoms, lambda1=alpha, lambda2=ridge, pos=work.positive, numThreads=threads
        ).T.toarray()

    return run


if __name__ == "__main__":
    main()
