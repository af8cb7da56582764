"""Exact codes: samples a second and certified gaps, ours against other libraries, in one table.

The problems are in `benchmark_utils.workloads`, the coders in `benchmark_utils.coders`; the
benchopt benchmark in this folder has the same. Coders run in turn, figures are medians, gaps are
relative duality gaps that `sparsecode.certify` finds in float64. Run: ``python
benchmarks/coding/table.py [--threads 2] [A B ...]``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

import click
import numpy as np
from benchmark_utils import coders, workloads
from benchmark_utils.common import NOT_INSTALLED, Report, clock, interleaved
from benchmark_utils.lineup import available, find, lineup, race, support_agreement
from benchmark_utils.problems import Greedy
from benchmark_utils.workloads import WORKLOADS
from threadpoolctl import ThreadpoolController

from sparsecode import SparseCoder

N_ONE_BY_ONE = 500
NOTES = """\
Ours, the floor and SPAMS use --threads threads, all others one. Gram matrices are given to all who
take one; what else is prepared, and tolerances chosen to reach the gap, is not timed. "samples"
is how many were timed: few for slow solvers, whose gaps are of those. A star marks a
worst gap above the one asked for. "x SPAMS" is the rate over that of SPAMS in float64, "x floor"
the time over that of the float32 product X @ atoms.T. "s to compile" is how much longer the first
call took than the second; with --cold nothing was in numba's cache."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*WORKLOADS, "F"]))
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--solver", "solvers", multiple=True, default=["FeatureSign"], show_default=True)
@click.option("--quick", is_flag=True, help="Small problems, to see that everything runs.")
@click.option("--cold", is_flag=True, help="Compile anew, in an empty cache of numba.")
@click.option("--only-learn", is_flag=True, help="Fill the cache of dictionaries, and stop.")
@click.option("--scaling", is_flag=True, help="Only compare two threads with one, on B.")
@click.option("--defaults", is_flag=True, help="Only float32 by default settings, and one sample.")
def main(names, threads, rounds, solvers, quick, cold, only_learn, scaling, defaults):
    """Print the table for the workloads NAMES (F is all that start with it), by default all."""
    names = ["B"] if scaling else _without_absent(_expand(names))
    if defaults:
        names = ["A", "B", "C"]
    if only_learn:
        for name in names:
            workloads.load(name, quick=quick)
        return
    _learn_apart(names, quick)
    if cold:
        sys.exit(_run_cold())
    report = Report(f"Exact coding, {threads} thread(s)" + (", quick" if quick else ""))
    pool = _load_libraries()
    if scaling:
        _scale(report, workloads.load("B", quick=quick), solvers, rounds, pool)
        report.finish()
        return
    n_samples = 20 if quick else N_ONE_BY_ONE
    if defaults:
        with pool.limit(limits=1):
            _compare_defaults(report, names, rounds, quick)
            _one_by_one(report, workloads.load("A", quick=quick), n_samples)
        report.finish()
        return
    report.note(NOTES)
    with pool.limit(limits=threads):
        for name in names:
            _race(report, name, threads, rounds, solvers, quick)
        if "A" in names:
            _one_by_one(report, workloads.load("A", quick=quick), n_samples)
    report.finish()


def _expand(names):
    chosen = []
    for name in names or WORKLOADS:
        chosen += [key for key in WORKLOADS if key[0] == "F"] if name == "F" else [name]
    return chosen


def _without_absent(names):
    """The names without greedy workloads, if nothing of ours solves them yet."""
    if coders.OursGreedy().absent() is None:
        return names
    if any(WORKLOADS[name].greedy for name in names):
        print(f"F left out: {coders.OursGreedy().absent()}")
    return [name for name in names if not WORKLOADS[name].greedy]


def _learn_apart(names, quick):
    """Learn what is not in the cache in another process: in this one nothing is compiled yet."""
    wanted = [name for name in names if not workloads.is_cached(name, quick=quick)]
    if wanted:
        print(f"Learning the dictionaries of {', '.join(wanted)}, once", flush=True)
        options = ["--only-learn", *(["--quick"] if quick else [])]
        subprocess.run([sys.executable, __file__, *options, *wanted], check=True)


def _run_cold():
    arguments = [argument for argument in sys.argv if argument != "--cold"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        return subprocess.run([sys.executable, *arguments], env=environment).returncode


def _load_libraries():
    """Controller of the threads of all libraries, which must be loaded to be controlled."""
    for coder in (coders.SpamsLasso, coders.CelerLasso, coders.SkglmLasso):
        reason = coders.missing(coder.module, coder.package)
        if reason is not None:
            print(f"{coder.module} skipped: {reason}")
    return ThreadpoolController()


def _race(report, name, threads, rounds, solvers, quick):
    problem = workloads.load(name, quick=quick)
    work = WORKLOADS[name].quick() if quick else WORKLOADS[name]
    absent = {}
    group = available(lineup(problem, solvers), problem, absent.__setitem__)
    timings = race(group, problem, threads, rounds, work.n_few, absent.__setitem__)
    columns = _COLUMNS | (_GREEDY if isinstance(problem, Greedy) else _LASSO) | _RATIOS
    table = report.table(f"{name}: {_describe(problem, work)}", columns)
    _add_rows(table, problem, timings)
    for label, reason in absent.items():
        table.absent(label, NOT_INSTALLED if "pip install" in reason else reason)
    table.end()


def _describe(problem, work):
    n_components, n_features = problem.dictionary.atoms.shape
    text = f"{len(problem.X)} samples of {n_features} features, {n_components} atoms, "
    if not isinstance(problem, Greedy):
        return text + f"l1 {problem.l1:.3f}, l2 {problem.l2:.3f}, positive {problem.positive}"
    if problem.n_nonzero is None:
        return text + f"to a squared error of {problem.error:.3f}"
    return text + f"{problem.n_nonzero} atoms a code"


_COLUMNS = {"solver": "", "dtype": "", "samples": "d", "samples/s": ".0f"}
_LASSO = {"worst gap": ".1e", "": "", "mean gap": ".1e", "nonzeros": ".1f"}
_GREEDY = {"worst error": ".4f", "mean error": ".4f", "most atoms": "d", "mean atoms": ".2f"}
_GREEDY |= {"same support": ".2%"}
_RATIOS = {"x SPAMS": ".2f", "x floor": ".1f", "s to compile": ".1f"}


def _add_rows(table, problem, timings):
    greedy = isinstance(problem, Greedy)
    if greedy:
        spams = find(timings, coders.SpamsOMP, dtype="float64")
    else:
        spams = find(timings, coders.SpamsLasso, dtype="float64", gram=True)
    floor = find(timings, coders.Product)
    for timing in timings:
        coder = timing.coder
        table.row(
            coder.label, coder.dtype, len(timing.problem.X), timing.rate,
            *_figures(timing, timings, greedy), timing.rate / spams.rate if spams else None,
            floor.rate / timing.rate, timing.compiling, repetitions=timing.seconds,
        )  # fmt: skip


def _figures(timing, timings, greedy):
    if timing.coder.codes is None:
        return [None] * len(_GREEDY if greedy else _LASSO)
    found = timing.problem.judge(timing.coder.codes)
    if not greedy:
        star = "*" if found["worst_gap"] > timing.coder.gap else None
        return found["worst_gap"], star, found["mean_gap"], found["nonzeros"]
    figures = [found[name] for name in ("worst_error", "mean_error", "most_atoms", "mean_atoms")]
    return [*figures, support_agreement(timing, timings)]


def _one_by_one(report, problem, n_samples):
    """Milliseconds of a call with one sample, by coders that were prepared before."""
    problem = problem.head(n_samples)
    estimator = SparseCoder(
        problem.dictionary, penalty=problem.penalty, n_jobs=1,
        **coders.sparse_output(SparseCoder),
    ).fit(problem.X)  # fmt: skip
    single = [coders.Ours(dtype="float32", tol=1e-4), coders.Ours()]
    single += [coders.SpamsLasso(), coders.SpamsLasso(gram=False), coders.SpamsLasso("float32")]
    absent = {}
    single = available(single, problem, absent.__setitem__)
    times = {i: [] for i in range(len(single) + 1)}
    estimator.transform(problem.X[:1])
    for i in range(len(problem.X)):
        row = problem.X[i : i + 1]
        times[0].append(clock(lambda row=row: estimator.transform(row)))
        for j, coder in enumerate(single, start=1):
            coder.prepare(problem.rows(i, i + 1))
            times[j].append(clock(coder.run))
    title = f"{problem.name}: one sample at a time, one thread, median of {n_samples} calls"
    table = report.table(title, {"solver": "", "dtype": "", "ms": ".4f"})
    labels = ["sparsecode SparseCoder.transform", *(coder.label for coder in single)]
    dtypes = ["float64", *(coder.dtype for coder in single)]
    for j, values in times.items():
        table.row(labels[j], dtypes[j], 1e3 * np.median(values), repetitions=values)
    for label in absent:
        table.absent(label)


def _compare_defaults(report, names, rounds, quick):
    """float32 against float64, everything else default, in turn, by the processor's time."""
    columns = {"workload": "", "us/sample, float64": ".2f", "float32": ".2f", "ratio": ".2f"}
    columns["worst gap, float32"] = ".1e"
    title = f"float32 against float64 by default, one thread, medians of {rounds} rounds"
    table = report.table(title, columns)
    for name in names:
        problem = workloads.load(name, quick=quick)
        group = {dtype: coders.Ours(dtype=dtype, tol=None) for dtype in ("float64", "float32")}
        seconds = {dtype: [] for dtype in group}
        for coder in group.values():
            coder.prepare(problem)
            coder.run()
        for _ in range(rounds):
            for dtype, coder in group.items():
                start = time.process_time()
                coder.run()
                seconds[dtype].append(time.process_time() - start)
        double, single = (1e6 * np.median(seconds[d]) / len(problem.X) for d in group)
        gap = problem.judge(group["float32"].codes)["worst_gap"]
        table.row(name, double, single, double / single, gap, repetitions=seconds)


def _scale(report, problem, solvers, rounds, pool):
    """Rates with two threads over those with one, in turn."""
    group = [coder for coder in lineup(problem, solvers) if not coder.few]
    columns = {"solver": "", "dtype": "", "samples/s, 1 thread": ".0f"}
    columns |= {"2 threads": ".0f", "ratio": ".2f"}
    title = f"{problem.name}: two threads against one, medians of {rounds} rounds"
    table = report.table(title, columns)
    for coder in available(group, problem, table.absent):
        runs = {threads: _with_threads(coder, problem, threads, pool) for threads in (1, 2)}
        for run in runs.values():
            run()
        seconds = interleaved(runs, rounds)
        one, two = (len(problem.X) / np.median(seconds[threads]) for threads in (1, 2))
        table.row(coder.label, coder.dtype, one, two, two / one, repetitions=seconds)


def _with_threads(coder, problem, threads, pool):
    coder.prepare(problem, threads)

    def run():
        coder.threads = threads
        with pool.limit(limits=threads):
            coder.run()

    return run


if __name__ == "__main__":
    main()
