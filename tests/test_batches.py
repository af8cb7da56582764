"""Batches: every sample once, with its own weight and target, from memory and from disk."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode._batches import Batch, Samples


@pytest.fixture(params=["array", "memmap", "csr"])
def samples(request, tmp_path):
    """Sample i has the value i, the weight i + 1 and the target -i."""
    X = np.arange(23.0)[:, None]
    weight, target = X[:, 0] + 1, -X
    if request.param == "memmap":
        np.save(tmp_path / "X.npy", X)
        return Samples(np.load(tmp_path / "X.npy", mmap_mode="r"), weight, target, run=5)
    if request.param == "csr":
        X, target = sparse.csr_array(X), sparse.csr_array(target)
    return Samples(X, weight, target, run=5)


def values(batch):
    X, target = (a.toarray() if sparse.issparse(a) else a for a in (batch.X, batch.target))
    np.testing.assert_array_equal(batch.sample_weight, X[:, 0] + 1)
    np.testing.assert_array_equal(target, -X)
    return X[:, 0].tolist()


@pytest.mark.parametrize("size", [5, 10, 100])
@pytest.mark.parametrize("shuffle", [False, True])
def test_rows_stay_together(samples, size, shuffle):
    rng = np.random.default_rng(0) if shuffle else None
    seen = [x for batch in samples.batches(size, rng) for x in values(batch)]
    assert sorted(seen) == list(range(23))
    assert (seen == sorted(seen)) is not shuffle
    assert values(samples.whole()) == list(range(23))


def test_batches_of_an_array_in_order_are_no_copies():
    X = np.arange(23.0)[:, None]
    assert all(np.shares_memory(batch.X, X) for batch in Samples(X).batches(5))
    weight = np.where(X[:, 0] == 7, 0.0, 1.0)
    seen = np.concatenate([batch.X for batch in Samples(X, weight).batches(5)])
    np.testing.assert_array_equal(seen, np.delete(X, 7, axis=0))


def test_parts_share_nothing(samples):
    parts = samples.split(6, np.random.default_rng(0))
    first, second = (values(part.whole()) for part in parts)
    assert sorted(first + second) == list(range(23)) and len(second) > 0
    assert samples.weight == sum(range(1, 24))


def test_fewer_samples_than_a_run_can_be_held_out(tmp_path):
    np.save(tmp_path / "X.npy", np.arange(23.0)[:, None])
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    for run in (None, 20):
        parts = Samples(X, run=run).split(3, np.random.default_rng(0))
        rest, held = (part.whole().X[:, 0].tolist() for part in parts)
        assert len(held) in (2, 3) and sorted(rest + held) == list(range(23))


def test_a_target_on_disk_is_read_in_runs_too(tmp_path):
    X = np.arange(20.0)[:, None]
    np.save(tmp_path / "target.npy", -X)
    samples = Samples(X, None, np.load(tmp_path / "target.npy", mmap_mode="r"), run=4)
    batches = list(samples.batches(8, np.random.default_rng(0)))
    for batch in batches:
        assert batch.sample_weight is None
        np.testing.assert_array_equal(batch.target, -batch.X)
    assert (np.diff(batches[0].X[:4, 0]) == 1).all()


def test_runs_without_weight_are_left_out(tmp_path):
    np.save(tmp_path / "X.npy", np.arange(20.0)[:, None])
    X, weight = np.load(tmp_path / "X.npy", mmap_mode="r"), np.repeat([0.0, 1.0], 10)
    samples = Samples(X, weight, run=5)
    assert samples.weight == 10
    for part in samples.split(5, np.random.default_rng(0)):
        assert part.weight == part.whole().sample_weight.sum() == 5
    # Of the only run with weight, some samples can be held out.
    rest, held = Samples(X, weight, run=10).split(2, np.random.default_rng(0))
    assert (rest.weight, held.weight) == (8, 2)


def test_weight_of_a_batch(samples):
    batch = next(iter(samples.batches(5)))
    assert batch.weight == np.arange(1.0, 6).sum()
    assert Batch(batch.X).weight == 5
