"""Convolutional codes and atoms, beside alphacsc and sporco: seconds, recovery, memory.

Parts: codes (seconds to a relative duality gap of 1e-4), learning (seconds to the objective that
alphacsc reaches), planted (atoms found again in noise), memory (peaks of a long recording and of a
large image). One thread; peers in turn with ours. Run: ``python benchmarks/convolutional/table.py
[--part codes] [--seconds 20] [--quick]``.
"""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from pathlib import Path

import click
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import peers
from _common import missing, quick_option
from _report import NOT_INSTALLED, Report
from memory import peak
from problem import cosines, image, planted, recording, series

from sparsecode import alpha_max
from sparsecode.convolutional import (
    ConvolutionalDictionary,
    ConvolutionalDictionaryLearning,
    LocallyGreedy,
)
from sparsecode.penalties import L1

PARTS = ("codes", "learning", "planted", "memory")
GAP = 1e-4
ASKED = {"codes": 5, "learning": 6, "cosine": 0.97, "GiB": 2}
SIZES = "series of 50,000, 10 atoms of 64; an image of 256x256, 32 atoms of 12x12"
NOTES = """\
Seconds are those of the processor, as each side has one thread. Gap: relative duality gap, from
correlations at all positions, in float64. Peers are timed at the first tolerance (alphacsc) or
number of iterations (sporco) that reaches it; looking at the gap is not timed. Codes of alphacsc
are at least 0, those of sporco are free, ours what the peer's are. sporco solves the periodic
problem, ours is that of positions inside the signal, each with a gap of its own."""


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only these parts.")
@click.option("--seconds", default=20.0, show_default=True, help="Of a peer that learns.")
@click.option("--patience", default=300.0, show_default=True, help="Seconds of a peer that codes.")
@click.option("--rounds", default=3, show_default=True, help="Repetitions of our codes.")
@click.option("--case", type=click.Choice(["recording", "image"]), hidden=True)
@click.option("--size", type=int, hidden=True)
@quick_option
def main(parts, seconds, patience, rounds, case, size, quick):
    """Print what was found, part by part."""
    if case is not None:
        run_case(case, size)
        return
    report = Report("Convolutional codes and learning" + " (quick)" * quick)
    report.note(NOTES)
    steps = {
        "codes": lambda: codes(report, quick, rounds, patience),
        "learning": lambda: learning(report, quick, seconds),
        "planted": lambda: recovery(report, quick),
        "memory": lambda: memory(report, quick),
    }
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for part in parts or PARTS:
            steps[part]()
    report.finish()


def codes(report, quick, rounds, patience):
    """Seconds to the gap, beside each peer on each problem it can solve."""
    columns = {"problem, peer": "", "ours, s": ".3f", "peer, s": ".2f", "ratio": ".1f"}
    columns |= {"our gap": ".1e", "peer's gap": ".1e", "setting": ""}
    title = f"Codes with a gap of {GAP:g}: {SIZES}" + ", all smaller" * quick
    table = report.table(title, columns)
    for problem in problems(quick):
        if problem.dictionary.n_dims == 1:
            beside(table, problem, "alphacsc", peers.alphacsc_until, True, rounds, patience)
        beside(table, problem, "sporco", peers.sporco_until, False, rounds, patience)
    table.end()
    report.note(f"Asked: ratios of at least {ASKED['codes']}.")


def problems(quick):
    """One channel, many channels, and an image."""
    if quick:
        return [series(1500), series(800, 3), image(48, 4, 8)]
    return [series(50_000), series(50_000, 20), image(256)]


def beside(table, problem, name, run, positive, rounds, patience):
    """A row: ours before and after the peer."""
    penalty = problem.penalty(positive)
    label = f"{problem.name}, {name}"
    solver = LocallyGreedy(tol=GAP)
    # Kernels are compiled, or loaded.
    solver.solve(problem.X, problem.dictionary, penalty, n_jobs=1)
    first = [ours(solver, problem, penalty) for _ in range(rounds)]
    absent = missing(peers.MODULES[name], name)
    found = None if absent else run(problem, GAP, patience)
    times = first + [ours(solver, problem, penalty) for _ in range(rounds)]
    seconds, gap = float(np.median([t for t, _ in times])), times[0][1]
    repetitions = [t for t, _ in times]
    if absent:
        table.row(label, seconds, NOT_INSTALLED, None, gap, None, None, repetitions=repetitions)
        return
    taken, reached, setting = found
    if reached > GAP:
        setting += ", too far"
    table.row(
        label, seconds, taken, taken / seconds, gap, reached, setting, repetitions=repetitions
    )


def ours(solver, problem, penalty):
    """Seconds and gap of our codes."""
    begin = time.process_time()
    result = solver.solve(problem.X, problem.dictionary, penalty, n_jobs=1)
    seconds = time.process_time() - begin
    return seconds, float(result.certificate.relative_gap[0])


def learning(report, quick, seconds):
    """Seconds until the objective of exact codes is that of the atoms of alphacsc."""
    columns = {"problem": "", "first": ".6g", "alphacsc, s": ".1f", "objective": ".6g"}
    columns |= {"ours, s": ".2f", "our objective": ".6g", "epochs": "", "ratio": ".1f"}
    title = "Atoms learned from the same first ones, judged by exact codes"
    table = report.table(title, columns)
    if quick:
        seconds = min(seconds, 1.0)
    for problem, rank1 in zip(problems(quick)[:2], (False, True), strict=True):
        first = first_atoms(problem)
        label = problem.name + ", rank 1" * rank1
        absent = missing(peers.MODULES["alphacsc"], "alphacsc")
        if absent:
            table.absent(label)
            continue
        # Its kernels are compiled.
        peers.alphacsc_atoms(problem, first, 0.0)
        steps = peers.alphacsc_atoms(problem, first, seconds)
        within = [step for step in steps if step[0] <= seconds] or steps[:1]
        target = min(exact_objective(problem, atoms) for _, atoms in within[-3:])
        taken, value, n_epochs = ours_until(problem, first, rank1, target, seconds)
        ratio = within[-1][0] / taken if value <= target else "not reached"
        start = exact_objective(problem, first.atoms)
        table.row(label, start, within[-1][0], target, taken, value, str(n_epochs), ratio)
    table.end()
    report.note(f"Asked: ratios of at least {ASKED['learning']}.")


def first_atoms(problem):
    """Parts of the signal of norm 1, of rank 1 as the atoms of alphacsc."""
    rng = np.random.default_rng(0)
    n_components, _, size = problem.dictionary.atoms.shape
    starts = rng.integers(problem.X.shape[2] - size, size=n_components)
    parts = np.stack([problem.X[0, :, start : start + size] for start in starts])
    left, _, right = np.linalg.svd(parts, full_matrices=False)
    return ConvolutionalDictionary(left[:, :, :1] * right[:, :1])


def learner_of(problem, init, rank1, n_epochs):
    n_components, _, size = problem.dictionary.atoms.shape
    return ConvolutionalDictionaryLearning(
        n_components, size, penalty=L1(positive=True), alpha=problem.alpha, init=init, tol=0.0,
        rank1=rank1, n_epochs=n_epochs, random_state=0, n_jobs=1,
    )  # fmt: skip


def ours_until(problem, first, rank1, target, seconds):
    """Seconds, objective and epochs of our shortest run that reaches an objective."""
    n_epochs = 1
    while True:
        learner = learner_of(problem, first, rank1, n_epochs)
        begin = time.process_time()
        learner.fit(problem.X)
        taken = time.process_time() - begin
        value = exact_objective(problem, learner.components_)
        if value <= target or taken > seconds:
            return taken, value, n_epochs
        n_epochs = n_epochs + max(1, n_epochs // 2)


def exact_objective(problem, atoms):
    """Objective of exact codes, on atoms in the unit ball."""
    sizes = np.linalg.norm(atoms.reshape(len(atoms), -1), axis=1)
    atoms = atoms / np.maximum(sizes, 1)[:, None, None]
    result = LocallyGreedy(tol=1e-5).solve(problem.X, atoms, problem.penalty(True), n_jobs=1)
    return float(result.certificate.objective[0])


def recovery(report, quick):
    """Planted atoms, found again in noise."""
    columns = {"signals": "", "seeds that reach it": "", "worst cosine": ".3f", "seconds": ".1f"}
    title = f"Atoms found again at 10 dB: cosines of at least {ASKED['cosine']}"
    table = report.table(title, columns)
    cases = [("2 signals of 10,000", (10_000,), (40,), 0.005, 1)]
    cases += [("2 recordings of 2,000, 8 channels, rank 1", (2_000,), (40,), 0.01, 8)]
    cases += [("2 images of 128x128", (128, 128), (12, 12), 0.002, 1)]
    if quick:
        cases = [("2 signals of 600", (600,), (20,), 0.01, 1)]
        cases += [("2 recordings of 300, 3 channels, rank 1", (300,), (20,), 0.01, 3)]
        cases += [("2 images", (40, 40), (8, 8), 0.004, 1)]
    for name, shape, support, density, n_channels in cases:
        worst, begin = [], time.process_time()
        for seed in range(2 if quick else 10):
            X, truth = planted(seed, shape, support, density=density, n_channels=n_channels)
            learner = ConvolutionalDictionaryLearning(
                truth.n_components, support, alpha=0.1 * alpha_max(X, truth), random_state=seed,
                rank1=n_channels > 1, n_epochs=3 if quick else 50, n_jobs=1,
            )  # fmt: skip
            worst.append(cosines(truth, learner.fit(X).dictionary_).min())
        reached = sum(value >= ASKED["cosine"] for value in worst)
        seconds = time.process_time() - begin
        table.row(name, f"{reached} of {len(worst)}", min(worst), seconds, repetitions=worst)
    table.end()


def memory(report, quick):
    """Peaks of processes that code a long recording and a large image."""
    columns = {"signal": "", "GiB": ".2f", "seconds": ".1f", "nonzeros": ",.0f", "gap": ".1e"}
    table = report.table("Peak memory of coding, the interpreter included", columns)
    for case, size in (("recording", 900_000), ("image", 2_000)):
        size = size // 20 if quick else size
        command = [sys.executable, __file__, "--case", case, "--size", str(size)]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        name, *numbers = printed.strip().split("\t")
        table.row(name, *map(float, numbers))
    table.end()
    report.note(f"Asked: under {ASKED['GiB']} GiB. The image is a photograph, repeated.")


def run_case(case, size):
    """Code a recording or an image and print what it took."""
    problem = recording(size) if case == "recording" else large_image(size)
    begin = time.process_time()
    result = LocallyGreedy(tol=GAP).solve(
        problem.X, problem.dictionary, problem.penalty(False), sparse_output=True, n_jobs=1
    )
    seconds = time.process_time() - begin
    gap = result.certificate.relative_gap[0]
    print(problem.name, peak(), seconds, result.codes[0].nnz, gap, sep="\t")


def large_image(size):
    """A photograph beside itself, as often as it takes."""
    problem = image(256, 16)
    times = -(-size // 256)
    X = np.tile(problem.X, (1, 1, times, times))[:, :, :size, :size]
    return problem._replace(X=X, name=f"image of {size}x{size}, 16 atoms of 12x12")


if __name__ == "__main__":
    main()
