"""Convolutional learning from Dask arrays: the atoms of memory, on any number of workers."""

import os
import pickle
import signal

import dask
import dask.array as da
import numpy as np
import pytest
from shifted import LENGTHS, N_SIGNALS, signals

from sparsecode.convolutional import ConvolutionalDictionary, ConvolutionalDictionaryLearning
from sparsecode.distributed.samples import some_rows
from sparsecode.learning import Batch

ALPHA = 0.1


def chunks(X, lengths=LENGTHS):
    return da.from_array(X, chunks=(lengths, *X.shape[1:]))


def learner(n_dims=1, **parameters):
    support = 8 if n_dims == 1 else (4, 5)
    given = {"alpha": ALPHA, "n_epochs": 6, "random_state": 0}
    return ConvolutionalDictionaryLearning(3, support, **given | parameters)


def farthest(learned, expected):
    return np.abs(learned - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("n_dims", [1, 2])
@pytest.mark.parametrize(
    "parameters",
    [{}, {"init": "greedy"}, {"rank1": True}, {"window": True}, {"boundary": "zero", "tol": 0}],
    ids=str,
)
def test_a_full_batch_gives_the_atoms_of_memory(n_dims, parameters):
    X, _ = signals(n_dims)
    model = learner(n_dims, **parameters)
    inside = model.fit(X)
    expected, history = inside.components_, inside.history_
    model.fit(chunks(X))
    assert farthest(model.components_, expected) < 1e-10
    assert model.history_["objective"] == pytest.approx(history["objective"], rel=1e-10)
    assert model.history_["l0"] == history["l0"]
    assert equal_bits(model.fit(chunks(X, (N_SIGNALS,))).components_, expected)


def equal_bits(left, right):
    return left.dtype == right.dtype and np.array_equal(left, right)


def test_workers_do_not_change_a_bit(client):
    X = chunks(signals(1)[0], (2, 3, 1, 3))
    model = learner()
    expected = model.fit(X).components_
    with client.as_current():
        assert equal_bits(model.fit(X).components_, expected)
        assert equal_bits(model.fit(X.persist()).components_, expected)
    for n_workers in (1, 4):
        with dask.config.set(scheduler="threads", num_workers=n_workers):
            assert equal_bits(model.fit(X).components_, expected)


def test_single_precision_and_a_channel_that_is_left_out():
    X, _ = signals(1, n_channels=1, dtype=np.float32)
    model = learner()
    expected = model.fit(X).components_
    found = model.fit(chunks(X[:, 0])).components_
    assert found.dtype == np.float32 and farthest(found, expected) < 1e-6


def test_atoms_that_nobody_uses_and_missing_entries():
    X, dictionary = signals(1)
    X[4, :, 30:36] = np.nan
    # The last one is orthogonal to nothing, but too small to be used.
    atoms = dictionary.atoms * np.array([1, 1, 1e-9])[:, None, None]
    model = learner(init=ConvolutionalDictionary(atoms), missing="mask")
    expected = model.fit(X).components_
    found = model.fit(chunks(X)).components_
    assert farthest(found, expected) < 1e-10
    assert np.linalg.norm(found[2]) > 0.5
    with pytest.raises(ValueError, match=r"Signals 3 to 7 of X: .*NaN in signal 1"):
        learner(init=dictionary).fit(chunks(X))


def test_steps_on_segments_are_those_of_memory():
    X, dictionary = signals(1)
    inside, apart = learner(init=dictionary), learner(init=dictionary)
    for start in (0, 3, 6):
        inside.partial_fit(X[start : start + 3])
        apart.partial_fit(chunks(X[start : start + 3], (1, 2)))
    assert apart.n_iter_ == 3
    assert farthest(apart.components_, inside.components_) < 1e-10
    with pytest.raises(ValueError, match="channels of signal 0 of X is 1; expected 2"):
        apart.partial_fit(chunks(X[:, :1]))


def test_batches_see_every_signal_once_an_epoch():
    X, _ = signals(1)
    reads = []

    def block(x, block_id=None):
        reads.append(block_id[0])
        return x

    lazy = chunks(X).map_blocks(block, dtype=float, meta=np.empty((0, 2, 90)))
    model = learner(batch_size=4, n_epochs=5, init=signals(1)[1])
    with dask.config.set(scheduler="synchronous"):
        model.fit(lazy)
    assert model.n_iter_ == 5 and len(model.history_["objective"]) == 15
    # Chunks of which several batches take signals are held.
    assert len(reads) <= 5 * len(LENGTHS)
    values = model.history_["objective"]
    assert sum(values[-3:]) < sum(values[:3])
    again = learner(batch_size=4, n_epochs=5, init=signals(1)[1]).fit(chunks(X))
    assert equal_bits(again.components_, model.components_)


def test_what_is_read_to_start_from_is_bounded(monkeypatch):
    X, _ = signals(1)
    monkeypatch.setattr("sparsecode.distributed.samples._MOST_BYTES", 2 * 8 * X[0].size)
    some = some_rows(Batch(chunks(X, (1,) * N_SIGNALS)), np.random.RandomState(0)).X
    assert some.shape == (2, 2, 90)
    assert learner(n_epochs=1).fit(chunks(X)).components_.shape == (3, 2, 8)


def test_an_interrupted_fit_keeps_the_last_atoms():
    X, dictionary = signals(1)
    n_read = 0

    def block(x):
        nonlocal n_read
        n_read += 1
        if n_read == 10:
            raise KeyboardInterrupt
        return x

    lazy = chunks(X, (3, 3, 3)).map_blocks(block, dtype=float, meta=np.empty((0, 2, 90)))
    model = learner(init=dictionary, n_epochs=9, tol=0)
    with dask.config.set(scheduler="synchronous"), pytest.raises(KeyboardInterrupt):
        model.fit(lazy)
    assert 1 <= model.n_iter_ < 9
    assert model.transform(X).shape == (N_SIGNALS, 3, 83)


# A worker is killed when it reads a chunk for the third time, and holds codes of other epochs;
# chunks that batches are drawn from are read once.
@pytest.mark.parametrize(("batch_size", "deadly"), [(None, 3), (3, 1)])
def test_a_killed_worker_does_not_change_what_is_learned(client, tmp_path, batch_size, deadly):
    X, dictionary = signals(1)
    model = learner(init=dictionary, batch_size=batch_size, n_epochs=4, tol=0)
    expected = model.fit(chunks(X, (2, 3, 1, 3))).components_

    def block(x, path=None, deadly=None, block_id=None):
        if block_id[0] == 1:
            with open(path, "a") as file:
                file.write("x")
            if os.path.getsize(path) == deadly:
                os.kill(os.getpid(), signal.SIGKILL)
        return x

    path = tmp_path / "reads"
    options = {"path": str(path), "deadly": deadly, "meta": np.empty((0, 2, 90))}
    lazy = chunks(X, (2, 3, 1, 3)).map_blocks(block, dtype=float, **options)
    with client.as_current():
        model.fit(lazy)
    assert path.stat().st_size > deadly
    assert equal_bits(model.components_, expected)


def test_a_model_of_a_cluster_needs_none(client):
    X, dictionary = signals(1)
    with client.as_current():
        model = learner(init=dictionary, n_epochs=2).fit(chunks(X))
    model = pickle.loads(pickle.dumps(model))
    assert model.partial_fit(X).transform(X).shape == (N_SIGNALS, 3, 83)
    assert type(model.components_) is np.ndarray
