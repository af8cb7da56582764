"""Epochs: the same whenever they are asked for, each in an order of its own."""

import numpy as np
import pytest

from sparsecode._batches import Samples
from sparsecode.training.data import ArraySource, draw_held_out


def order(source, seed, number):
    return [float(x) for batch in source.epoch(seed, number) for x in batch.X[:, 0]]


def source(**options):
    settings = {"batch_size": 4, "shuffle": True, "steps_per_epoch": None}
    return ArraySource(Samples(np.arange(30.0)[:, None]), **{**settings, **options})


def test_orders_of_epochs():
    orders = {tuple(order(source(), seed, number)) for seed in (0, 1) for number in range(3)}
    assert len(orders) == 6
    assert all(sorted(each) == list(range(30)) for each in orders)
    assert order(source(), 1, 2) == order(source(), 1, 2)
    assert order(source(shuffle=False), 0, 1) == list(range(30))


def test_short_epochs_take_other_samples():
    first, second = (set(order(source(steps_per_epoch=2), 0, number)) for number in (0, 1))
    assert len(first) == len(second) == 8 and first != second


def test_held_out_samples_depend_on_the_seed_alone():
    samples = Samples(np.arange(30.0)[:, None])
    parts = [draw_held_out(samples, 0.2, seed)[1].whole().X[:, 0].tolist() for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2] and len(parts[0]) == 6


def test_a_memory_map_shorter_than_a_batch_can_be_held_out_of(tmp_path):
    np.save(tmp_path / "X.npy", np.arange(30.0)[:, None])
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    learned, held = draw_held_out(Samples(X, run=256), 0.2, 0)
    rows = [held.whole().X[:, 0], *(batch.X[:, 0] for batch in learned.batches(8))]
    assert len(rows[0]) == 6 and sorted(np.concatenate(rows)) == list(range(30))
    only = np.arange(30) == 3
    with pytest.raises(
        ValueError, match="expected at least one sample to hold out and one to learn from"
    ):
        draw_held_out(Samples(X, only.astype(float), run=256), 0.2, 0)
