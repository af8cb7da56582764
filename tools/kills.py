"""Kill processes while they save, and see that every file is whole and every training goes on.

A child process saves states of a training again and again and is killed (SIGKILL) at a random
moment. What lies there must be a whole state, going on from it must give the same bits as a
training that was never stopped, and the next save must leave no temporary file behind.

Run ``python tools/kills.py --n 40``. The exit code is 1 if something was lost.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from sparsecode import Dictionary
from sparsecode.encoders import TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.training import TrainingState, train

N_EPOCHS = 12


def training(path, state=None, pause=0.0):
    """Train, saving the state after every epoch; returns the bits of the last."""
    X = np.random.default_rng(0).standard_normal((400, 12))
    dictionary = Dictionary.random(24, 12, random_state=0)
    loss = AutoencoderLoss()
    settings = {"n_epochs": N_EPOCHS, "random_state": 0, "state": state, "learn_dictionary": True}
    for reached in train(TopK(k=3), dictionary, X, loss=loss, **settings):
        reached.save(path)
        time.sleep(pause)
    arrays = {**reached.params, "atoms": reached.dictionary.atoms}
    return {name: np.asarray(array).tobytes() for name, array in arrays.items()}


def kill_one(folder, suffix, delay):
    """Kill a child after it has begun to save; returns the path of what it left."""
    path = folder / f"state{suffix}"
    child = subprocess.Popen(
        [sys.executable, __file__, "--child", str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    child.stdout.readline()
    time.sleep(delay)
    child.kill()
    child.wait()
    child.stdout.close()
    return path


def faults_of(path, expected):
    """What is wrong with what a killed child left."""
    if not path.exists():
        return []
    try:
        state = TrainingState.load(path)
    except Exception as error:
        return [f"{path.name} cannot be read: {type(error).__name__}: {error}"]
    faults = []
    if state.n_epochs < N_EPOCHS and training(path, state) != expected:
        faults.append(f"training from epoch {state.n_epochs} went another way")
    training(path)
    left = [other.name for other in path.parent.iterdir() if other != path]
    return faults + ([f"the next save left {left}"] if left else [])


@click.command(help=__doc__)
@click.option("--n", "n_kills", type=click.IntRange(1), default=40, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--child", default=None, hidden=True)
def main(n_kills, seed, child):
    if child is not None:
        training(child)
        print("saving", flush=True)
        while True:
            training(child, pause=0.002)
    draw = random.Random(seed)
    n_faults = 0
    with tempfile.TemporaryDirectory() as name:
        expected = training(Path(name) / "whole.npz")
    for number in range(n_kills):
        with tempfile.TemporaryDirectory() as name:
            path = kill_one(Path(name), draw.choice([".npz", ".safetensors"]), draw.random() * 0.2)
            for fault in faults_of(path, expected):
                n_faults += 1
                click.echo(f"kill {number}: {fault}")
    click.echo(f"{n_kills} kills, {n_faults} faults")
    sys.exit(bool(n_faults))


if __name__ == "__main__":
    main()
