"""The table of "Compute optimal inference and provable amortisation gap in sparse autoencoders".

What an encoder loses against optimisation on the same dictionary (O'Neill, Gumran and Klindt,
2025): 16 codes, 3 of them active and half-normal, 8 features, 1024 samples to learn from and 1024
to judge by. Run: ``python benchmarks/amortisation_gap/table.py [--unknown] [--new]``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from _report import Report
from methods import KNOWN, UNKNOWN, InDouble
from problem import N_SAMPLES, new_problem, paper_problem, penalty

from sparsecode.objective import certify

NOTES = """\
MCC: mean absolute correlation of codes with the true ones, columns paired best; mean and deviation
over the seeds. Nonzeros: a code, of 16. Objective: the mean, in multiples of that of exact codes on
the same dictionary. Every step of a training takes all samples, in float32. Medians of times."""
_COLUMNS = {"method": "", "published": ".3f", "MCC": "", "difference": "+.3f", "": ""}
_COLUMNS |= {"nonzeros": ".1f", "objective": ".4g", "training, s": ".2f", "coding, us": ".2f"}
KNOWN_SEED, UNKNOWN_SEED, TOLERANCE = 20240625, 20240926, 0.05


@click.command()
@click.option("--unknown", is_flag=True, help="Learn the dictionary too.")
@click.option("--new", is_flag=True, help="Draw a problem for every seed, not that of the paper.")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--steps", type=click.IntRange(1), help="Of every training, instead of the paper's.")
@click.option("--samples", type=click.IntRange(2), default=N_SAMPLES, show_default=True)
@click.option("--only", multiple=True, help="Rows with this in their name.")
def main(unknown, new, seeds, steps, samples, only):
    """Print what each method reaches beside what the paper has."""
    problems = "new problems" if new else "problem of the paper"
    report = Report(
        f"Amortisation gap, {problems}, {seeds} seed(s)" + (f", {steps} steps" * bool(steps))
    )
    report.note(NOTES)
    table = report.table("Dictionary " + ("learned" if unknown else "known"), _COLUMNS)
    first = UNKNOWN_SEED if unknown else KNOWN_SEED
    problem = paper_problem(first, samples)
    for published, method in UNKNOWN if unknown else KNOWN:
        if only and not any(part in name for part in only for name in published):
            continue
        # What starts from no random numbers needs no second run on the same problem.
        numbers = [first + i for i in range(seeds if new or method.is_random else 1)]
        runs = []
        for seed in numbers:
            problem = new_problem(seed, samples) if new else problem
            runs.append(method.run(problem, seed, steps))
        for (name, values), outcomes in zip(
            published.items(), zip(*runs, strict=True), strict=True
        ):
            _add_row(table, name, values, outcomes, samples, with_atoms=unknown)
    _tell_certificate(report, problem)
    report.finish()


def _tell_certificate(report, problem):
    codes = InDouble().encode(problem.X_test, problem.dictionary)
    certificate = certify(problem.X_test, codes, problem.dictionary, penalty())
    gap = certificate.gap.mean() / certificate.objective.mean()
    report.note(f"Exact codes: mean duality gap {gap:.1e} of the mean objective, in float64.")


def _add_row(table, name, published, outcomes, n_samples, *, with_atoms):
    mcc, atoms_mcc, nonzeros, ratio, training, coding = np.transpose(outcomes)
    table.row(
        name, *_compared(published[:1], mcc), nonzeros.mean(), ratio.mean(), np.median(training),
        1e6 * np.median(coding) / n_samples, repetitions=outcomes,
    )  # fmt: skip
    if with_atoms:
        table.row("    its atoms", *_compared(published[1:], atoms_mcc), *([None] * 4))


def _compared(published, values):
    ours = f"{values.mean():.3f}" + (f" ± {values.std():.3f}" if len(values) > 1 else "")
    if not published:
        return None, ours, None, None
    difference = values.mean() - published[0]
    return published[0], ours, difference, None if abs(difference) <= TOLERANCE else "missed"


if __name__ == "__main__":
    main()
