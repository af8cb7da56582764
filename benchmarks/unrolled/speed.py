"""Time of a training step of LISTA against torch, and of inference against its bare products.

A step of 16 layers on 250x500 atoms in float32: a batch is gathered, loss and gradients are
computed, Adam takes its step. torch runs the same network with the same parameters, which the
script first checks to give the same loss and the same gradients. All run in turn, a few steps each;
printed is the median of seconds on the clock, that of seconds of all cores, and both over ours.
Inference is the time of `encode` on one thread over that of the products a network is made of, in
blocks as large. Run: ``python benchmarks/unrolled/speed.py [--threads 2] [--compile] [--quick]``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import numpy as np
import threadpoolctl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _common import missing
from _report import Report

from sparsecode import Dictionary
from sparsecode.encoders import (
    ALISTA,
    LISTA,
    LISTACP,
    LISTACPSS,
    LISTASS,
    SLISTA,
    TiLISTA,
)
from sparsecode.losses import SupervisedLoss
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.training import train

ALPHA, LR, N_STEPS = 0.1, 1e-4, 5
_COLUMNS = {"": "", "batch": "d", "ms": ".1f", "ms of CPU": ".1f", "x ours": ".2f"}
_COLUMNS |= {"x ours, CPU": ".2f"}
ASKED = "asked: 1.8 of torch eager, 1.0 of torch eager with fused Adam"


class Steps:
    """Seconds of training steps, on the clock and of all cores; those at the start are not kept."""

    def __init__(self):
        self.marks = []

    def mark(self, *_):
        """Called after every step; false, so that training goes on."""
        self.marks.append((time.perf_counter(), time.process_time()))
        return False

    def take(self):
        """Durations since the last call, shape (n_steps - 1, 2)."""
        seconds = np.diff(self.marks, axis=0)
        self.marks.clear()
        return seconds


def ours(encoder, dictionary, X, codes, batch_size):
    """Function that takes some steps and returns their seconds."""
    steps = Steps()
    states = train(
        encoder, dictionary, X, target=codes, loss=SupervisedLoss(), optimizer=Adam(LR),
        batch_size=batch_size, steps_per_epoch=N_STEPS, n_epochs=10**9, random_state=0,
        callback=steps.mark,
    )  # fmt: skip
    next(states)

    def run():
        next(states)
        return steps.take()

    return run


class TorchLISTA:
    """The network in torch: one tensor a layer and kind, as modules would have them."""

    def __init__(self, torch, params, n_layers):
        self.torch, self.n_layers = torch, n_layers
        self.params = {
            name: [torch.nn.Parameter(torch.tensor(array)) for array in stack]
            for name, stack in params.items()
        }

    def loss(self, X, target):
        """Mean squared distance to the target."""
        z = None
        for t in range(self.n_layers):
            W, S, theta = (stack[min(t, len(stack) - 1)] for stack in self.params.values())
            v = X @ W if z is None else X @ W + z @ S
            z = self.torch.sign(v) * self.torch.relu(v.abs() - theta)
        return ((z - target) ** 2).sum(1).mean()

    def tensors(self):
        """All parameters."""
        return [tensor for stack in self.params.values() for tensor in stack]


def theirs(torch, network, X, codes, batch_size, *, compiled=False, **options):
    """Function that takes some steps and returns their seconds."""
    optimizer = torch.optim.Adam(network.tensors(), lr=LR, **options)
    loss = torch.compile(network.loss) if compiled else network.loss
    X, codes, steps = torch.tensor(X), torch.tensor(codes), Steps()

    def run():
        order = torch.randperm(len(X))
        for start in range(0, N_STEPS * batch_size, batch_size):
            rows = order[start : start + batch_size]
            optimizer.zero_grad()
            value = loss(X[rows], codes[rows])
            value.backward()
            optimizer.step()
            value.item()
            steps.mark()
        return steps.take()

    return run


def check_same(torch, encoder, dictionary, X, codes):
    """Raise AssertionError unless both give the same loss and gradients; return the difference.

    In float64: in float32 a code at its threshold is 0 for the one and not for the other.
    """
    dictionary = Dictionary(dictionary.atoms.astype(np.float64))
    X, codes = X.astype(np.float64), codes.astype(np.float64)
    params = encoder.init(dictionary)
    found, cache = encoder.forward(params, X, dictionary)
    value, _, dcodes = SupervisedLoss()(X, dictionary, found, codes)
    grads = encoder.backward(dcodes, cache)
    network = TorchLISTA(torch, params, encoder.n_layers)
    reference = network.loss(torch.tensor(X), torch.tensor(codes))
    reference.backward()
    np.testing.assert_allclose(value, reference.item(), rtol=1e-12)
    worst = 0.0
    for name, stack in network.params.items():
        # The first product with S is with 0, which we leave out.
        theirs = np.stack([np.zeros(t.shape) if t.grad is None else t.grad for t in stack])
        error = np.linalg.norm(grads[name] - theirs) / np.linalg.norm(theirs)
        worst = max(worst, error)
    assert worst < 1e-10, f"gradients differ by {worst:.1e}"
    return worst


def signals(n_features, n_components, n_samples):
    """A dictionary, samples, and the codes that made them."""
    dictionary = Dictionary.random(n_components, n_features, random_state=0, dtype=np.float32)
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((n_samples, n_components), dtype=np.float32)
    codes *= rng.random(codes.shape, dtype=np.float32) < 0.1
    return dictionary, codes @ dictionary.atoms, codes


def training(report, torch, shape, n_layers, batch_sizes, n_rounds, compiled):
    """Print the table of training steps."""
    dictionary, X, codes = signals(*shape, N_STEPS * max(batch_sizes))
    for tied in (False, True):
        encoder = LISTA(L1(ALPHA), n_layers=n_layers, tied=tied)
        error = check_same(torch, encoder, dictionary, X[:64], codes[:64])
        weights = "shared" if tied else "own"
        title = f"LISTA, {weights} weights; gradients differ by {error:.0e}"
        table = report.table(title, _COLUMNS)
        for batch_size in batch_sizes:

            def torchs(**options):
                network = TorchLISTA(torch, encoder.init(dictionary), n_layers)  # noqa: B023
                return theirs(torch, network, X, codes, batch_size, **options)  # noqa: B023

            runs = {
                "sparsecode": ours(encoder, dictionary, X, codes, batch_size),
                "torch eager": torchs(),
                "torch eager, fused Adam": torchs(fused=True),
            }
            if compiled:
                runs["torch.compile, fused Adam"] = torchs(fused=True, compiled=True)
            _time_steps(table, runs, batch_size, n_rounds)
        table.end()


def _time_steps(table, runs, batch_size, n_rounds):
    for run in runs.values():
        run()
    seconds = {name: [] for name in runs}
    for _ in range(n_rounds):
        for name, run in runs.items():
            seconds[name].append(np.median(run(), axis=0))
    medians = {name: np.median(rows, axis=0) for name, rows in seconds.items()}
    own = medians["sparsecode"]
    for name, median in medians.items():
        clock, cpu = 1e3 * median
        table.row(name, batch_size, clock, cpu, *(median / own), repetitions=seconds[name])


def inference(report, shape, n_layers, n_rounds, n_samples):
    """Print the table of `encode` over products."""
    dictionary, X, _ = signals(*shape, n_samples)
    x, atoms, gram = X[:256], dictionary.atoms, dictionary.gram
    W, z = atoms.T.copy(), np.zeros((256, shape[1]), dtype=np.float32)
    out, residual = np.empty_like(z), np.empty_like(x)

    def coupled():
        np.matmul(z, atoms, out=residual)
        np.matmul(residual, W, out=out)

    def free():
        np.matmul(x, W, out=out)
        np.matmul(z, gram, out=out)

    def shared():
        np.matmul(z, gram, out=out)

    penalty = L1(ALPHA)
    # ALISTA multiplies with atoms @ W where that is less work, as it is here.
    networks = [
        (LISTA(penalty), free), (LISTA(penalty, tied=True), shared), (LISTASS(penalty), free),
        (LISTACP(penalty), coupled), (LISTACPSS(penalty), coupled), (TiLISTA(penalty), coupled),
        (ALISTA(penalty), coupled), (SLISTA(penalty), shared),
    ]  # fmt: skip
    title = f"Inference, {n_samples} samples, one thread; asked: at most 1.2 times the products"
    table = report.table(title, {"network": "", "us a sample": ".2f", "x products": ".2f"})
    for encoder, layer in networks:
        encoder.n_layers = n_layers
        encoder = encoder.bind(encoder.init(dictionary))
        rows = [_pair(encoder, dictionary, X, x, W, out, layer) for _ in range(n_rounds + 1)]
        rows = np.array(rows[1:])
        mean = 1e6 / n_samples * np.median(rows[:, 0])
        name = type(encoder).__name__ + (", shared" if getattr(encoder, "tied", False) else "")
        table.row(name, mean, np.median(rows[:, 0] / rows[:, 1]), repetitions=rows)


def _pair(encoder, dictionary, X, x, W, out, layer):
    """CPU seconds of encoding, and of the products."""
    marks = []
    with threadpoolctl.threadpool_limits(1, "blas"):
        marks.append(time.process_time())
        for _ in range(len(X) // len(x)):
            np.matmul(x, W, out=out)
            for _ in range(encoder.n_layers - 1):
                layer()
        marks.append(time.process_time())
    marks.append(time.process_time())
    encoder.encode(X, dictionary, n_jobs=1)
    marks.append(time.process_time())
    return marks[3] - marks[2], marks[1] - marks[0]


@click.command()
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=15, show_default=True)
@click.option("--compile", "compiled", is_flag=True, help="Also run torch.compile.")
@click.option("--quick", is_flag=True, help="A small network, to see that it runs.")
def main(threads, rounds, compiled, quick):
    """Print medians and ratios of training steps, and of inference."""
    report = Report(f"Unrolled networks, speed, {threads} thread(s), float32" + (", quick" * quick))
    shape, n_layers = ((20, 40), 2) if quick else ((250, 500), 16)
    reason = missing("torch", "torch")
    if reason is None:
        import torch

        torch.set_num_threads(threads)
        report.note(f"Ratios of seconds on the clock and of CPU; {ASKED}.")
        with threadpoolctl.threadpool_limits(threads, "blas"):
            training(report, torch, shape, n_layers, (64, 512), rounds, compiled)
    else:
        print(f"training steps skipped: {reason}")
        report.table("Training steps of LISTA", _COLUMNS).absent("torch")
    inference(report, shape, n_layers, rounds, 512 if quick else 1024)
    report.finish()


if __name__ == "__main__":
    main()
