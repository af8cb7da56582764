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

from _common import print_header
from methods import KNOWN, UNKNOWN, InDouble
from problem import N_SAMPLES, new_problem, paper_problem, penalty

from sparsecode.objective import certify

NOTES = """\
MCC: mean absolute correlation of codes with the true ones, columns paired best; mean and deviation
over the seeds. Nonzeros: a code, of 16. Objective: the mean, in multiples of that of exact codes on
the same dictionary. Every step of a training takes all samples, in float32. Medians of times."""
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
    print_header(
        f"Amortisation gap, {problems}, {seeds} seed(s)" + (f", {steps} steps" * bool(steps))
    )
    print(NOTES + "\n")
    print(
        f"{'dictionary learned' if unknown else 'dictionary known':26s}{'published':>10s}"
        f"{'MCC':>16s}{'difference':>15s}{'nonzeros':>10s}{'objective':>11s}{'training':>11s}{'coding':>12s}"
    )
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
            _print_row(name, values, outcomes, samples, with_atoms=unknown)
    _print_certificate(problem)


def _print_certificate(problem):
    codes = InDouble().encode(problem.X_test, problem.dictionary)
    certificate = certify(problem.X_test, codes, problem.dictionary, penalty())
    gap = certificate.gap.mean() / certificate.objective.mean()
    print(f"exact codes: mean duality gap {gap:.1e} of the mean objective, certified in float64")


def _print_row(name, published, outcomes, n_samples, *, with_atoms):
    mcc, atoms_mcc, nonzeros, ratio, training, coding = np.transpose(outcomes)
    print(
        f"{name:26s}{_compared(published[:1], mcc)}{nonzeros.mean():10.1f}{ratio.mean():11.4g}"
        f"{np.median(training):9.2f} s{1e6 * np.median(coding) / n_samples:9.2f} us",
        flush=True,
    )
    if with_atoms:
        print(f"{'    its atoms':26s}{_compared(published[1:], atoms_mcc)}", flush=True)


def _compared(published, values):
    ours = f"{values.mean():.3f}" + (f" ± {values.std():.3f}" if len(values) > 1 else "")
    if not published:
        return f"{'':10s}{ours:>16s}{'':15s}"
    difference = values.mean() - published[0]
    missed = "" if abs(difference) <= TOLERANCE else " missed"
    return f"{published[0]:10.3f}{ours:>16s}{f'{difference:+.3f}{missed}':>15s}"


if __name__ == "__main__":
    main()
