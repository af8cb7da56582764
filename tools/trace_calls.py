"""Paths of a training step and of a transform through the code, counted as they run.

Prints how many files of the package one call passes through, how often a function of one file calls
one of another (hops), and how many functions run; how often one `fit` of 5 epochs builds its
encoder, loss and penalty; and what a `partial_fit` takes against a step inside `fit`. With
``--list`` it prints each call in its order, by file.

The private modules of the ground floor, such as `_validation`, are counted in brackets only: a
reader takes what they do from their names.

Run ``python tools/trace_calls.py``. The counts are of a second call, with everything compiled.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple
from unittest import mock

import click
import numpy as np

import sparsecode
from sparsecode import LISTA, Dictionary, SparseAutoencoder, SparseCoder
from sparsecode.encoders import ReLU
from sparsecode.losses import AutoencoderLoss
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1

PACKAGE = str(Path(sparsecode.__file__).parent) + "/"
N_FEATURES, N_ATOMS, N_SAMPLES, BATCH = 64, 128, 2560, 256
COMPREHENSIONS = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")


class Step(NamedTuple):
    """One call of a function of the package: its file, its name, and how deep it is."""

    file: str
    function: str
    depth: int

    @property
    def is_helper(self):
        """Whether the file is a private module of the ground floor."""
        return self.file.startswith("_") and "/" not in self.file


class Counts(NamedTuple):
    """Files, calls from one file to another, and functions."""

    n_files: int
    n_hops: int
    n_functions: int


def trace(call):
    """Call a function and return its calls as `Step`, without threads that it starts."""
    steps, depth = [], 0

    def watch(frame, event, _):
        nonlocal depth
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(PACKAGE):
            return
        if code.co_name in COMPREHENSIONS:
            return
        if event == "return":
            depth -= 1
            return
        steps.append(Step(code.co_filename.removeprefix(PACKAGE), code.co_qualname, depth))
        depth += 1

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(before)
    return steps


def counts_of(steps, *, helpers=False):
    """`Counts` of traced calls; a call by a helper counts as one by the helper's caller."""
    callers, n_hops, functions = [], 0, set()
    for step in steps:
        if step.is_helper and not helpers:
            continue
        while callers and callers[-1].depth >= step.depth:
            callers.pop()
        n_hops += bool(callers) and callers[-1].file != step.file
        callers.append(step)
        functions.add((step.file, step.function))
    return Counts(len({file for file, _ in functions}), n_hops, len(functions))


def samples(n_samples=N_SAMPLES):
    return np.random.default_rng(0).standard_normal((n_samples, N_FEATURES))


def calls():
    """What is traced, by its name: a second call of each, with the first one done."""
    X = samples(BATCH)
    dictionary = Dictionary.random(N_ATOMS, N_FEATURES, random_state=0)
    autoencoder = SparseAutoencoder(N_ATOMS, alpha=0.1, n_jobs=1, random_state=0).partial_fit(X)
    network = LISTA(dictionary=dictionary, n_layers=3, alpha=0.3, n_jobs=1).partial_fit(X)
    coder = SparseCoder(dictionary, alpha=0.3, n_jobs=1).fit(X)
    coder.transform(X)
    autoencoder.partial_fit(X)
    network.partial_fit(X)
    return {
        "SparseAutoencoder.partial_fit": lambda: autoencoder.partial_fit(X),
        "LISTA.partial_fit": lambda: network.partial_fit(X),
        "SparseCoder.transform": lambda: coder.transform(X),
    }


def resolutions(n_epochs=5):
    """How often one `fit` clones its encoder, makes a loss and gives its penalty a weight."""
    given = {"encoder": ReLU(), "penalty": L1(1.0)}
    counts = Counter({"encoder": 0, "loss": 0, "penalty": 0})

    def counting(cls, name, label):
        function = getattr(cls, name)

        def counted(self, *arguments, **named):
            counts[label] += label not in given or self is given[label]
            return function(self, *arguments, **named)

        return mock.patch.object(cls, name, counted)

    model = SparseAutoencoder(N_ATOMS, alpha=0.1, n_epochs=n_epochs, random_state=0, **given)
    with (
        counting(ReLU, "__sklearn_clone__", "encoder"),
        counting(AutoencoderLoss, "__init__", "loss"),
        counting(L1, "scaled", "penalty"),
    ):
        model.fit(samples(2 * BATCH))
    return dict(counts)


def step_times(n_rounds=5):
    """Median milliseconds of a `partial_fit`, and from one step inside `fit` to the next."""
    X = samples()
    options = {"alpha": 0.1, "batch_size": BATCH, "n_epochs": 3, "random_state": 0}
    began, alone, inside = {}, [], []

    def rate(step):
        began.setdefault(step, time.perf_counter())
        return 1e-3

    model = SparseAutoencoder(N_ATOMS, **options).partial_fit(X[:BATCH])
    for _ in range(n_rounds):
        for rows in np.split(X, len(X) // BATCH):
            start = time.perf_counter()
            model.partial_fit(rows)
            alone.append(time.perf_counter() - start)
        began.clear()
        SparseAutoencoder(N_ATOMS, optimizer=Adam(lr=rate), **options).fit(X)
        inside += np.diff([began[step] for step in sorted(began)]).tolist()
    return 1e3 * median(alone), 1e3 * median(inside)


@click.command()
@click.option("--list", "listed", is_flag=True, help="Print each call in its order, by file.")
@click.option("--only", default="", help="Trace only calls with this in their names.")
def main(listed, only):
    """Count files, calls between files and functions of a training step and of a transform."""
    for name, call in calls().items():
        if only not in name:
            continue
        steps = trace(call)
        few, every = counts_of(steps), counts_of(steps, helpers=True)
        click.echo(
            f"{name:30} {few.n_files:3} files ({every.n_files}), {few.n_hops:4} hops "
            f"({every.n_hops}), {few.n_functions:4} functions ({every.n_functions})"
        )
        if listed:
            for step in steps:
                click.echo(f"  {step.file:42} {'. ' * step.depth}{step.function}")
    if only:
        return
    built = ", ".join(f"{piece} {count}" for piece, count in resolutions().items())
    click.echo(f"built in one fit of 5 epochs: {built}")
    alone, inside = step_times()
    click.echo(
        f"partial_fit {alone:.2f} ms, a step inside fit {inside:.2f} ms: {alone / inside:.2f} times"
    )


if __name__ == "__main__":
    main()
