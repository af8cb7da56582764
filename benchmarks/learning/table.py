"""Online learning: seconds to the held-out objective that other libraries reach, in one table.

The problems are in `benchmark_utils.workloads`, the learners in `benchmark_utils.learners`; the
benchopt benchmark in this folder has the same. Learners run in turn from the same starts, another
one each round; dictionaries are kept on the way and judged afterwards. Run: ``python
benchmarks/learning/table.py [--threads 2] [A B]``.
"""

from __future__ import annotations

import os

import click
import numpy as np
from benchmark_utils import workloads
from benchmark_utils.common import print_header
from benchmark_utils.learners import MiniBatch, Ours, TrainDL
from benchmark_utils.race import best, race, targets
from benchmark_utils.workloads import WORKLOADS
from threadpoolctl import ThreadpoolController

NOTES = """\
Objective: mean of 1/2 ||x - z @ atoms||^2 + alpha ||z||_1 over patches of another photograph, with
certified exact codes, in float64. Seconds are of learning only. SPAMS has the faster of its types,
scikit-learn the best of a few algorithms and batch sizes, chosen on this problem. "forgetting 1"
is how SPAMS weighs old statistics. Reached: from then on. Medians of rounds; "faster" is the median
of the ratios. The first batch, with compiling or loading what is compiled, is not counted.
OMP_WAIT_POLICY is "passive" if not set, which helps SPAMS where cores are not free."""
ALGORITHMS = (("cd", 64), ("cd", 256), ("cd", 1024), ("lars", 256))


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(WORKLOADS)))
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--quick", is_flag=True, help="Small problems and times, to see that all runs.")
def main(names, threads, rounds, quick):
    """Print the table for the workloads NAMES, by default all."""
    print_header(f"Online learning, {threads} thread(s)" + (", quick" if quick else ""))
    spams = TrainDL()
    reason = spams.unavailable()
    if reason is not None:
        print(f"{spams.module} skipped: {reason}")
    print(NOTES + "\n", flush=True)
    # Libraries must be loaded to be controlled.
    with ThreadpoolController().limit(limits=threads):
        for name in names or WORKLOADS:
            _print_workload(name, threads, rounds, quick, with_spams=reason is None)


def _print_workload(name, threads, rounds, quick, *, with_spams):
    problem = workloads.load(name, quick=quick)
    print(
        f"{name}: {len(problem.X)} samples of {problem.X.shape[1]} features, "
        f"{problem.n_components} atoms, alpha {problem.alpha:g}, {len(problem.held_out)} held out"
    )
    marks, last = ((1,), 1) if quick else ((1, 3, 10), 8)
    ours = [Ours(1.0, batch_size=512), Ours(), Ours(dtype="float64")]
    compiling = _warm_up(ours, problem, threads)
    theirs = [(_best_scikit_learn(problem, last, threads, quick), last)]
    if with_spams:
        both = [TrainDL("float32"), TrainDL("float64")]
        spams = best(both, problem, marks[len(marks) // 2], threads, n_rounds=1 if quick else 3)
        theirs = [(spams, mark) for mark in marks] + theirs
    runs = [*((learner, marks[-1]) for learner in ours), *theirs]
    traces = race(runs, problem, rounds, threads)
    mine = {learner: traces[i] for i, learner in enumerate(ours)}
    others = [(r[0].label, t) for r, t in zip(theirs, traces[len(ours) :], strict=True)]
    _print_targets(targets(others, mine, ours), ours)
    _print_marks(mine, others, marks)
    atoms = mine[ours[0]][-1].atoms[-1]
    counts = problem.n_nonzero(atoms), problem.judge(atoms, threads)["nonzeros"]
    print("    {:.1f} nonzeros a training patch, {:.1f} a held-out one".format(*counts))
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"    first batch of all {compiling:.1f} s; load of the machine {load}\n", flush=True)


def _warm_up(ours, problem, threads):
    seconds = 0.0
    for learner in ours:
        learner.prepare(problem, threads)
        seconds += learner.warm_up()
    return seconds


def _best_scikit_learn(problem, seconds, threads, quick):
    algorithms = ALGORITHMS[:1] if quick else ALGORITHMS
    return best([MiniBatch(*options) for options in algorithms], problem, seconds, threads)


def _print_targets(found, ours):
    width = max(len(target.label) for target in found)
    print(f"    {'reached by':{width}s}  seconds  objective" + "".join(
        f"  {_short(learner):>24s}" for learner in ours))  # fmt: skip
    for target in found:
        line = (
            f"    {target.label:{width}s}  {np.median(target.seconds):7.2f}"
            f"  {np.median(target.objectives):9.4f}"
        )
        for learner in ours:
            seconds = np.median(target.reached[learner])
            text = f"{seconds:.2f} s, {target.ratio(learner):.1f}x faster"
            if seconds in (0, np.inf):
                text = "not reached" if seconds else "from the start"
            line += f"  {text:>24s}"
        print(line)


def _short(learner):
    return f"{learner.label.removeprefix('sparsecode, ')} {learner.dtype}"


def _print_marks(mine, others, marks):
    """Objectives after the same seconds, where somebody went on for so long."""
    print("    objective after " + "".join(f"{mark:9d} s" for mark in marks))
    for learner, rounds in mine.items():
        values = [np.median([t.objective_after(mark) for t in rounds]) for mark in marks]
        print(f"    {_short(learner):16s}" + "".join(f"{value:11.4f}" for value in values))


if __name__ == "__main__":
    main()
