"""Online learning: seconds to the held-out objective that other libraries reach, in one table.

The problems are in `benchmark_utils.workloads`, the learners in `benchmark_utils.learners`; the
benchopt benchmark in this folder has the same. Learners run in turn from the same starts, another
one each round; dictionaries are kept on the way and judged afterwards. Run: ``python
benchmarks/learning/table.py [--threads 2] [A B]``.
"""

from __future__ import annotations

import click
import numpy as np
from benchmark_utils import workloads
from benchmark_utils.common import Report
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
    report = Report(f"Online learning, {threads} thread(s)" + (", quick" if quick else ""))
    spams = TrainDL()
    reason = spams.unavailable()
    if reason is not None:
        print(f"{spams.module} skipped: {reason}")
    report.note(NOTES)
    # Libraries must be loaded to be controlled.
    with ThreadpoolController().limit(limits=threads):
        for name in names or WORKLOADS:
            _race(report, name, threads, rounds, quick, with_spams=reason is None)
    report.finish()


def _race(report, name, threads, rounds, quick, *, with_spams):
    problem = workloads.load(name, quick=quick)
    title = (
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
    _add_targets(report, title, targets(others, mine, ours), ours, with_spams)
    _add_marks(report, name, mine, marks)
    atoms = mine[ours[0]][-1].atoms[-1]
    counts = problem.n_nonzero(atoms), problem.judge(atoms, threads)["nonzeros"]
    text = "{:.1f} nonzeros a training patch, {:.1f} a held-out one".format(*counts)
    report.note(f"{name}: {text}; first batch of all {compiling:.1f} s.")


def _warm_up(ours, problem, threads):
    seconds = 0.0
    for learner in ours:
        learner.prepare(problem, threads)
        seconds += learner.warm_up()
    return seconds


def _best_scikit_learn(problem, seconds, threads, quick):
    algorithms = ALGORITHMS[:1] if quick else ALGORITHMS
    return best([MiniBatch(*options) for options in algorithms], problem, seconds, threads)


def _add_targets(report, title, found, ours, with_spams):
    columns = {"reached by": "", "seconds": ".2f", "objective": ".4f"}
    for learner in ours:
        columns |= {f"{_short(learner)}, s": ".2f", f"{_short(learner)}, x": ".1f"}
    table = report.table(title, columns)
    if not with_spams:
        table.absent(TrainDL().label)
    for target in found:
        cells = []
        for learner in ours:
            seconds = np.median(target.reached[learner])
            ratio = target.ratio(learner)
            if seconds in (0, np.inf):
                seconds, ratio = "not reached" if seconds else "from the start", None
            cells += [seconds, ratio]
        kept = {_short(learner): target.reached[learner] for learner in ours}
        table.row(
            target.label, np.median(target.seconds), np.median(target.objectives), *cells,
            repetitions={"theirs": target.seconds, **kept},
        )  # fmt: skip
    table.end()


def _short(learner):
    return f"{learner.label.removeprefix('sparsecode, ')} {learner.dtype}"


def _add_marks(report, name, mine, marks):
    """Objectives after the same seconds."""
    columns = {"": "", **{f"{mark} s": ".4f" for mark in marks}}
    table = report.table(f"{name}: objective after some seconds", columns)
    for learner, rounds in mine.items():
        values = [np.median([t.objective_after(mark) for t in rounds]) for mark in marks]
        table.row(_short(learner), *values)
    table.end()


if __name__ == "__main__":
    main()
