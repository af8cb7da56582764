"""A training step of autoencoders against torch: one interleaved run, the same threads.

Float32, Adam, encoder and decoder of 512 features: milliseconds of a step, the product of the
encoder alone as the floor, and ratios of the medians. Before that, losses of the first steps are
compared. Run: ``python benchmarks/autoencoders/speed.py``; torch is optional.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from _common import missing
from _report import Report
from _steps import timed_steps

from sparsecode import Dictionary
from sparsecode.constraints import UnitNorm
from sparsecode.encoders import ReLU, TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.penalties import L1

N_FEATURES, LR, ALPHA = 512, 1e-4, 0.1
# With it 2 % of the units are active, as in an autoencoder that an l1 penalty has made sparse.
FEW = -2.05
STEPS_A_ROUND = 4
COLUMNS = {"": "", "median ms": ".1f", "min ms": ".1f", "x ours": ".2f", "x product": ".2f"}
COLUMNS |= {"first loss": ".6g"}


def main(arguments=None):
    options = parse(arguments)
    told = Report("Autoencoders: milliseconds of a training step, float32")
    reason = missing("torch", "torch==2.13.0")
    if reason:
        print(f"torch is left out: {reason}")
    for problem in options.problems:
        compare(told, *problem, options, with_torch=reason is None)
    told.finish()


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-rounds", type=int, default=8)
    parser.add_argument("--compile", action="store_true", help="torch.compile, too")
    parser.add_argument("--quick", action="store_true", help="one tiny problem")
    options = parser.parse_args(arguments)
    options.problems = [
        (32, 0.0, 4096, 1024),
        (32, 0.0, 4096, 4096),
        (None, 0.0, 4096, 1024),
        (None, FEW, 4096, 1024),
    ]
    if options.quick:
        options.problems, options.n_rounds = [(4, 0.0, 64, 32), (None, FEW, 64, 32)], 1
    return options


def compare(told, k, bias, n_components, batch_size, options, with_torch):
    name = f"TopK {k}" if k else "ReLU, l1" + (bias < 0) * ", 2 % of the units active"
    table = told.table(f"{name}: {N_FEATURES} -> {n_components}, batch {batch_size}", COLUMNS)
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((n_components, N_FEATURES)).astype(np.float32)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    X = rng.standard_normal((STEPS_A_ROUND * batch_size, N_FEATURES)).astype(np.float32)
    runs = {"sparsecode": ours(X, atoms, k, bias, batch_size, None)}
    runs["sparsecode, unit norm"] = ours(X, atoms, k, bias, batch_size, UnitNorm())
    if with_torch:
        runs.update(theirs(X, atoms, k, bias, batch_size, options.compile))
    runs["encoder product"] = product(X, atoms, batch_size)
    seconds, losses = {name: [] for name in runs}, {}
    # The first round compiles and warms up.
    for turn in range(options.n_rounds + 1):
        # Threads that wait for more work spin: another one is disturbed in every round.
        for name in np.roll(list(runs), turn).tolist():
            times, first = next(runs[name])
            if turn == 0:
                losses[name] = first
            else:
                seconds[name].extend(times)
    if not with_torch:
        table.absent("torch")
    add_rows(table, seconds, losses)


def add_rows(table, seconds, losses):
    medians = {name: np.median(times) for name, times in seconds.items()}
    floor, ours_ = medians["encoder product"], medians["sparsecode"]
    for name, median in medians.items():
        table.row(
            name, 1e3 * median, 1e3 * min(seconds[name]), median / ours_, median / floor,
            losses[name], repetitions=seconds[name],
        )  # fmt: skip
    table.end()
    compared = [loss for name, loss in losses.items() if loss is not None and "unit" not in name]
    assert np.ptp(compared) <= 1e-3 * compared[0], f"first losses differ: {losses}"


def ours(X, atoms, k, bias, batch_size, constraint):
    """Seconds of the steps of a round, and the loss of the first, from a generator."""
    dictionary = Dictionary(atoms, np.zeros(N_FEATURES, dtype=np.float32), constraint)
    encoder = ReLU(initial_bias=bias) if k is None else TopK(k=k)
    loss = AutoencoderLoss([L1(ALPHA)] if k is None else [])
    return timed_steps(encoder, dictionary, X, loss, lr=LR, batch_size=batch_size)


def theirs(X, atoms, k, bias, batch_size, with_compile):
    from _torch_models import TorchAutoencoder, TorchTrainer

    def run(embedding=False, **options):
        model = TorchAutoencoder(atoms, k, ALPHA, embedding, bias)
        trainer = TorchTrainer(model, LR, **options)

        def rounds():
            first = None
            while True:
                clock = []
                for start in range(0, len(X), batch_size):
                    loss = trainer.step(X[start : start + batch_size])
                    first = loss if first is None else first
                    clock.append(time.perf_counter())
                yield np.diff(clock), first

        return rounds()

    runs = {"torch eager": run(), "torch fused Adam": run(fused=True)}
    if k is not None:
        runs["torch embedding_bag"] = run(embedding=True)
        runs["torch bag, fused Adam"] = run(embedding=True, fused=True)
    if with_compile:
        runs["torch.compile"] = run(compiled=True)
    return runs


def product(X, atoms, batch_size):
    """The product that the encoder cannot do without."""
    out = np.empty((batch_size, len(atoms)), dtype=np.float32)
    while True:
        times = []
        for start in range(0, len(X), batch_size):
            begin = time.perf_counter()
            np.matmul(X[start : start + batch_size], atoms.T, out=out)
            times.append(time.perf_counter() - begin)
        yield times[1:], None


if __name__ == "__main__":
    main()
