"""Cost of a training step with steps of inference in the encoder, beside the plain encoder.

Float32, Adam, encoder and decoder of 768 features, unit norm of the atoms. Rounds of all encoders
are interleaved. Milliseconds are those of the wall and those of all cores together; ratios are of
the medians of the latter, which other processes on the machine change less. Run:
``python benchmarks/autoencoders/refined.py``.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from _report import Report
from _steps import timed_steps

from sparsecode import Dictionary
from sparsecode.constraints import UnitNorm
from sparsecode.encoders import BatchTopK, JumpReLU, Refined, ReLU, TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.penalties import L1

LR, STEPS_A_ROUND, MOST = 1e-4, 4, 2.2
# With it about 1 % of the units of ReLU and JumpReLU are active.
FEW = -2.4
COLUMNS = {"": "", "ms": ".1f", "core ms": ".1f", "x plain": ".2f", "samples/s": ",.0f"}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-rounds", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="one tiny problem")
    options = parser.parse_args(arguments)
    sizes = (32, 64, 32, 4) if options.quick else (768, 4096, 1024, 25)
    if options.quick:
        options.n_rounds = 1
    n_features, n_components, batch_size, k = sizes
    told = Report("Steps of inference in the encoder: a training step, float32")
    families = {
        f"TopK {k}": TopK(k=k),
        f"BatchTopK {k}": BatchTopK(k=k),
        "JumpReLU": JumpReLU(initial_bias=FEW),
        "ReLU, l1": ReLU(initial_bias=FEW),
    }
    for name, encoder in families.items():
        table = told.table(f"{name}: {n_features} -> {n_components}, batch {batch_size}", COLUMNS)
        compare(table, encoder, *sizes[:3], options.n_rounds, np.inf if options.quick else MOST)
    told.finish()


def compare(table, plain, n_features, n_components, batch_size, n_rounds, most):
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((n_components, n_features)).astype(np.float32)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    X = rng.standard_normal((STEPS_A_ROUND * batch_size, n_features)).astype(np.float32)
    dictionary = Dictionary(atoms, np.zeros(n_features, dtype=np.float32), UnitNorm())
    encoders = {"plain": plain, "1 step": Refined(plain), "3 steps": Refined(plain, 3)}
    encoders["1 step, feedback learned"] = Refined(plain, feedback="learned")
    loss = AutoencoderLoss([L1(0.1)] if isinstance(plain, ReLU) else [])
    runs = {
        name: timed_steps(encoder, dictionary, X, loss, lr=LR, batch_size=batch_size, clock=_clocks)
        for name, encoder in encoders.items()
    }
    found = {name: [] for name in runs}
    # The first round compiles and warms up.
    for turn in range(n_rounds + 1):
        for name in np.roll(list(runs), turn).tolist():
            times, _ = next(runs[name])
            if turn > 0:
                found[name].extend(times)
    medians = {name: np.median(times, axis=0) for name, times in found.items()}
    for name, (wall, cores) in medians.items():
        ratio = cores / medians["plain"][1]
        missed = name == "1 step" and type(plain) is TopK and bool(ratio > most)
        label = name + f" (missed: at most {most})" * missed
        walls = [times[0] for times in found[name]]
        table.row(
            label, 1e3 * wall, 1e3 * cores, ratio, batch_size / wall, repetitions=walls
        )  # fmt: skip
    table.end()


def _clocks():
    """Seconds of the wall, and of all cores."""
    return time.perf_counter(), time.process_time()


if __name__ == "__main__":
    main()
