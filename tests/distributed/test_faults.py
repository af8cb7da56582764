"""Faults of a cluster: killed workers, closed clients, chunks that raise, tasks that are left."""

import os
import pickle
import signal
import subprocess
import sys
import time

import dask
import dask.array as da
import numpy as np
import pytest
from distributed import wait

from sparsecode import Dictionary, DictionaryLearning, SparseCoder
from sparsecode.datasets import make_sparse_signals
from sparsecode.distributed import learning

N_CHUNKS = 6


@pytest.fixture(scope="module")
def signals():
    return make_sparse_signals(240, 12, 8, n_nonzero=2, random_state=0).X


@pytest.fixture(scope="module")
def atoms():
    return Dictionary.random(12, 8, random_state=1)


def learner(atoms, **parameters):
    given = {"alpha": 0.05, "n_epochs": 2, "init": atoms, "random_state": 0}
    return DictionaryLearning(12, **given | parameters)


def chunks(X):
    return da.from_array(X, chunks=(len(X) // N_CHUNKS, X.shape[1]))


def recorded(monkeypatch):
    """Kinds of the models that graphs are made with from now on."""
    given, original = [], learning._total

    def total(batch, held):
        given.append(type(held).__name__)
        return original(batch, held)

    monkeypatch.setattr(learning, "_total", total)
    return given


def killing(X, folder, n_times):
    """Chunks of which some, when they are first computed, kill their worker."""

    def block(x, folder=None, n_times=None, block_id=None):
        flag = os.path.join(folder, str(block_id[0]))
        if block_id[0] in (1, 4)[:n_times] and not os.path.exists(flag):
            with open(flag, "w"):
                os.kill(os.getpid(), signal.SIGKILL)
        return x

    options = {"folder": str(folder), "n_times": n_times}
    return chunks(X).map_blocks(block, dtype=float, meta=np.empty((0, 8)), **options)


# A worker that starts again takes seconds.
@pytest.mark.parametrize(("n_times", "batch_size"), [(1, None), (2, 48)])
def test_killed_workers_do_not_change_what_is_learned(
    client, signals, atoms, tmp_path, n_times, batch_size
):
    model = learner(atoms, batch_size=batch_size)
    expected = model.fit(chunks(signals)).components_
    X = killing(signals, tmp_path, n_times)
    with client.as_current():
        model.fit(X)
    assert len(list(tmp_path.iterdir())) == n_times
    assert np.array_equal(model.components_, expected)


@pytest.mark.parametrize("n_times", [1, 2])
def test_killed_workers_do_not_change_codes(client, signals, atoms, tmp_path, n_times):
    model = SparseCoder(atoms, alpha=0.05).fit(signals)
    lazy = model.transform(killing(signals, tmp_path, n_times))
    with client.as_current():
        (codes,) = dask.compute(lazy)
    assert len(list(tmp_path.iterdir())) == n_times
    assert np.array_equal(codes, model.transform(signals))


def test_chunks_that_a_killed_worker_held_are_computed_again(client, signals, atoms):
    model = learner(atoms, batch_size=16)
    expected = model.fit(chunks(signals)).components_
    with client.as_current():
        X = chunks(signals).persist()
        model.fit(X)
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        model.fit(X)
    assert np.array_equal(model.components_, expected)


def test_a_large_dictionary_is_no_part_of_the_graph(client, monkeypatch, signals, atoms):
    model = learner(atoms, batch_size=48)
    expected = model.fit(chunks(signals)).components_
    monkeypatch.setattr("sparsecode.distributed._clients._LARGE", 0)
    given = recorded(monkeypatch)
    with client.as_current():
        assert np.array_equal(model.fit(chunks(signals)).components_, expected)
    assert set(given) == {"Future"}
    # Threads of this process share it anyway.
    given.clear()
    model.fit(chunks(signals))
    assert set(given) == {"Packed"}


def test_workers_that_held_the_dictionary_may_be_killed(
    client, monkeypatch, signals, atoms, tmp_path
):
    model = learner(atoms)
    expected = model.fit(chunks(signals)).components_
    monkeypatch.setattr("sparsecode.distributed._clients._LARGE", 0)
    given = recorded(monkeypatch)

    def block(x, flag=None, workers=None, block_id=None):
        if block_id[0] == 4 and not os.path.exists(flag):
            open(flag, "w").close()
            for worker in sorted(workers, key=os.getpid().__eq__):
                os.kill(worker, signal.SIGKILL)
        return x

    with client.as_current():
        workers = list(client.run(os.getpid).values())
        options = {"flag": str(tmp_path / "flag"), "workers": workers}
        X = chunks(signals).map_blocks(block, dtype=float, meta=np.empty((0, 8)), **options)
        model.fit(X)
    assert "Packed" in given
    assert np.array_equal(model.components_, expected)


def test_a_chunk_that_raises_is_named(client, signals, atoms):
    wrong = signals.copy()
    wrong[130, 3] = np.nan
    coder = SparseCoder(atoms, alpha=0.05).fit(signals)
    with client.as_current():
        with pytest.raises(ValueError, match=r"Chunk 3 of the rows: .*NaN"):
            coder.transform(chunks(wrong)).compute()
        with pytest.raises(ValueError, match=r"Rows 120 to 160 of X: .*NaN"):
            learner(atoms).fit(chunks(wrong))


@pytest.mark.parametrize("large", [0, 2**20])
def test_nothing_is_left_on_the_scheduler(client, monkeypatch, signals, atoms, large):
    monkeypatch.setattr("sparsecode.distributed._clients._LARGE", large)

    def n_tasks(dask_scheduler):
        return len(dask_scheduler.tasks)

    model = learner(atoms, batch_size=24)
    with client.as_current():
        X = chunks(signals).persist()
        wait(X)
        persisted = client.run_on_scheduler(n_tasks)
        for _ in range(4):
            model.partial_fit(X)
            # What the last batch needed is released a little later.
            end = time.monotonic() + 10
            while (n := client.run_on_scheduler(n_tasks)) > persisted and time.monotonic() < end:
                time.sleep(0.05)
            assert n <= persisted
    assert model.n_iter_ == 40


def test_closed_clients_are_named(signals, atoms):
    from distributed import Client, LocalCluster

    model = learner(atoms).fit(signals)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as cluster:
        with Client(cluster) as closed:
            X = chunks(signals).persist()
        for call in (model.fit, model.transform, model.score_samples, model.certify):
            with pytest.raises(ValueError, match=r"persisted by a client that is closed.*again"):
                call(X)
        with closed.as_current(), pytest.raises(ValueError, match=r"client of Dask is closed"):
            model.fit(chunks(signals))
    assert model.fit(chunks(signals)).n_iter_ > 0


def test_a_model_of_a_cluster_needs_neither_client_nor_dask(client, signals, atoms, tmp_path):
    with client.as_current():
        model = learner(atoms, batch_size=48).fit(chunks(signals))
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    np.save(tmp_path / "signals.npy", signals)
    code = (
        "import pickle, sys\n"
        "sys.modules['dask'] = sys.modules['distributed'] = None\n"
        "import numpy as np\n"
        "model = pickle.load(open('model.pickle', 'rb'))\n"
        "X = np.load('signals.npy')\n"
        "model.partial_fit(X[:50])\n"
        "print(model.transform(X).shape, type(model).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["(240,", "12)", "DictionaryLearning"], done.stderr
