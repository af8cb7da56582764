"""Codes on many atoms, with their whole Gram matrix and without it: time, memory, and what pays.

Run with ``python benchmarks/many_atoms.py``; takes about a minute. The first table is one sample of
100 features on 100,000 atoms. The second one says, for each number of atoms, from how many samples
on the whole Gram matrix is quicker: measured, and by the rule of `Problem.takes_gram`.
"""

import functools
import time
import tracemalloc
from unittest import mock

import click
import numpy as np
from _common import quick_option
from _report import Report

from sparsecode import Dictionary, alpha_max
from sparsecode.penalties import L1, ElasticNet, KSparse
from sparsecode.solvers import FISTA, OMP, CoordinateDescent, FeatureSign, Homotopy
from sparsecode.solvers._batch import problem
from sparsecode.solvers._batch.atom_subsets import _COLUMNS_A_SAMPLE as COLUMNS_OF_PARTS
from sparsecode.solvers.greedy.base import _COLUMNS_A_SAMPLE as COLUMNS_OF_GREEDY

N_FEATURES, SHARE = 100, 0.1


def draw(n_components, n_samples):
    """Samples, a dictionary that nothing was computed of yet, and a weight."""
    X = np.random.default_rng(0).standard_normal((n_samples, N_FEATURES))
    dictionary = Dictionary.random(n_components, N_FEATURES, random_state=1)
    return X, dictionary, SHARE * alpha_max(X, dictionary)


def seconds(function):
    """Seconds of the second of two calls: kernels are compiled in the first."""
    function()
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def table_of_one_sample(report, n_components):
    """Time and memory of one sample by each method."""
    X, dictionary, alpha = draw(n_components, 1)
    cases = {
        "FeatureSign, l1": (FeatureSign(), L1(alpha)),
        "FeatureSign, elastic net": (FeatureSign(), ElasticNet(alpha, 0.7)),
        "CoordinateDescent, l1": (CoordinateDescent(), L1(alpha)),
        "Homotopy, l1": (Homotopy(), L1(alpha)),
        "FISTA, l1": (FISTA(), L1(alpha)),
        "OMP, 10 atoms": (OMP(), KSparse(10)),
    }
    title = f"One sample of {N_FEATURES} features, {n_components} atoms"
    columns = {"": "", "seconds": ".3f", "MiB": ".0f", "nonzeros": "d", "gap": ".0e"}
    table = report.table(title, columns)
    for name, (solver, penalty) in cases.items():
        taken = seconds(functools.partial(solver.solve, X, dictionary, penalty))
        tracemalloc.start()
        result = solver.solve(X, Dictionary(dictionary.atoms), penalty)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        gap = result.certificate.relative_gap
        gap = None if gap is None else gap.max()
        table.row(name, taken, peak, np.count_nonzero(result.codes), gap)
    table.end()


def crossing(n_components, solver, make_penalty, n_samples):
    """From how many samples on the whole Gram matrix is quicker."""
    X, dictionary, alpha = draw(n_components, n_samples)
    penalty = make_penalty(alpha)

    def solve():
        solver.solve(X, dictionary, penalty)

    begin = time.perf_counter()
    _ = dictionary.astype(np.float32).gram, dictionary.gram
    gram = (time.perf_counter() - begin) / 2
    with mock.patch.object(problem, "FEW_ATOMS", n_components):
        whole = seconds(solve) / n_samples
    with (
        mock.patch.object(problem, "FEW_ATOMS", 0),
        mock.patch.object(problem, "MOST_GRAM_BYTES", 0),
    ):
        parts = seconds(solve) / n_samples
    samples = f"{gram / (parts - whole):.0f}" if parts > whole else "never"
    return gram, whole, parts, samples


def table_of_crossings(report, sizes):
    """Where the whole Gram matrix begins to pay."""
    cases = {
        "FeatureSign": (FeatureSign(), L1, 64, COLUMNS_OF_PARTS),
        "FISTA": (FISTA(tol=1e-3), L1, 8, problem._COLUMNS_OF_ITERATIONS),
        "OMP": (OMP(), lambda alpha: KSparse(10), 16, min(10, COLUMNS_OF_GREEDY)),
    }
    columns = {"solver": "", "atoms": "d", "s of Gram": ".2f", "ms with": ".2f"}
    columns |= {"ms without": ".2f", "pays from": "", "by the rule": "d"}
    title = "The Gram matrix, a sample with and without it, and the number of samples it pays from"
    table = report.table(title, columns)
    for name, (solver, make_penalty, n_samples, columns) in cases.items():
        for n_components in sizes:
            gram, whole, parts, pays = crossing(n_components, solver, make_penalty, n_samples)
            rule = -(-n_components // columns)
            table.row(name, n_components, gram, 1e3 * whole, 1e3 * parts, pays, rule)


@click.command()
@quick_option
def main(quick):
    """Print both tables."""
    report = Report("Codes on many atoms")
    table_of_one_sample(report, 2000 if quick else 100_000)
    table_of_crossings(report, (512,) if quick else (4096, 8192, 12288))
    report.finish()


if __name__ == "__main__":
    main()
