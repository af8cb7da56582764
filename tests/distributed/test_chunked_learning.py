"""Learning from Dask arrays: the dictionary of the array in memory, on any number of workers."""

import pickle

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sparsecode import (
    Dictionary,
    DictionaryLearning,
    SparseCoder,
    SparseOutlierDetector,
)
from sparsecode.datasets import make_sparse_signals
from sparsecode.distributed._chunks import Chunks
from sparsecode.distributed._tasks import Packed
from sparsecode.distributed.samples import ChunkedSamples, some_rows
from sparsecode.encoders import Exact
from sparsecode.learning import Batch, alternate
from sparsecode.penalties import L1
from sparsecode.updates import KSVD, MOD, ApproximateKSVD, BlockUpdate, GradientUpdate


@pytest.fixture(scope="module")
def signals():
    return make_sparse_signals(240, 12, 8, n_nonzero=2, random_state=0).X


@pytest.fixture(scope="module")
def atoms():
    return Dictionary.random(12, 8, random_state=1)


def learner(atoms, **parameters):
    given = {"alpha": 0.05, "n_epochs": 3, "init": atoms, "random_state": 0}
    return DictionaryLearning(12, **given | parameters)


def chunks(X, rows):
    return da.from_array(X, chunks=(rows, X.shape[1]))


@pytest.mark.parametrize("update", [BlockUpdate(), MOD(), GradientUpdate(lr=0.5)], ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_full_batch_gives_the_dictionary_of_memory(signals, atoms, update, weighted):
    weight = np.random.default_rng(0).integers(0, 3, len(signals)) if weighted else None
    model = learner(atoms, update=update)
    inside = model.fit(signals, sample_weight=weight)
    expected, history = inside.components_, inside.history_
    model.fit(chunks(signals, 70), sample_weight=weight)
    assert np.abs(model.components_ - expected).max() < 1e-12
    assert model.history_["objective"] == pytest.approx(history["objective"], rel=1e-12)
    assert model.history_["l0"] == history["l0"]


def test_workers_do_not_change_a_bit(client, signals, atoms):
    X = chunks(signals, 50)
    model = learner(atoms, batch_size=60, n_epochs=2)
    expected = model.fit(X).components_
    with client.as_current():
        assert np.array_equal(model.fit(X).components_, expected)
    with dask.config.set(scheduler="threads", num_workers=4):
        assert np.array_equal(model.fit(X).components_, expected)


@pytest.mark.parametrize("batch_size", [None, 60])
def test_chunks_that_are_persisted_are_learned_from(client, signals, atoms, batch_size):
    model = learner(atoms, batch_size=batch_size, n_epochs=2)
    expected = model.fit(chunks(signals, 50)).components_
    assert np.array_equal(model.fit(chunks(signals, 50).persist()).components_, expected)
    with client.as_current():
        X = chunks(signals, 50).persist()
        assert np.array_equal(model.fit(X).components_, expected)
        assert np.array_equal(model.fit(2 * X / 2).components_, expected)


def test_single_precision_has_the_same_bits_on_workers(client, signals, atoms):
    X = chunks(np.tile(signals.astype(np.float32), (8, 1)), 240)
    model = learner(atoms.replace(atoms=atoms.atoms.astype(np.float32)), batch_size=160)
    expected = model.fit(X).components_
    assert expected.dtype == np.float32
    with client.as_current():
        for _ in range(2):
            assert np.array_equal(model.fit(X).components_, expected)


def test_what_travels_is_packed_with_its_arrays():
    buffers = []
    data = pickle.dumps(Packed(np.arange(5.0)), 5, buffer_callback=buffers.append)
    assert buffers == []
    assert np.array_equal(pickle.loads(data).value, np.arange(5.0))


def test_batches_in_order_are_those_of_memory(signals, atoms):
    model = learner(atoms, batch_size=50)
    inside = model.partial_fit(signals)
    expected, n_iter = inside.components_, inside.n_iter_
    model = learner(atoms, batch_size=50)
    model.partial_fit(chunks(signals, 70))
    assert model.n_iter_ == n_iter
    assert np.abs(model.components_ - expected).max() < 1e-12


def test_random_batches_learn_what_the_loop_learns_from_them(signals, atoms):
    samples = ChunkedSamples(chunks(signals, 70), run=64)
    batches = list(samples.batches(64, np.random.default_rng(3)))
    assert [batch.X.shape[0] for batch in batches] == [64, 64, 64, 48]
    options = {"update": BlockUpdate()}
    encoder = Exact(L1(0.05))
    *_, apart = alternate(encoder, atoms, batches, **options)
    arrays = [np.asarray(batch.X) for batch in batches]
    *_, inside = alternate(encoder, atoms, arrays, **options)
    assert np.abs(apart.dictionary.atoms - inside.dictionary.atoms).max() < 1e-12
    seen = np.concatenate(arrays)
    assert not np.array_equal(seen, signals)
    assert np.array_equal(np.unique(seen, axis=0), np.unique(signals, axis=0))


def test_a_batch_carries_no_more_tasks_than_it_needs(signals):
    X = da.ones((80_000, 8), chunks=(16, 8)) + 1
    samples = ChunkedSamples(X, run=64)
    batch = next(samples.batches(64, np.random.default_rng(0)))
    # A chunk is made, added to, named and cut.
    assert len(dict(batch.X.__dask_graph__())) <= 5 * 8
    # Hundreds of workers have something to do.
    X = da.ones((2**21, 8), chunks=(2**20, 8))
    assert len(ChunkedSamples(X, run=2**21).units) == 128


def test_an_epoch_reads_every_chunk_once(signals):
    reads = []

    def block(block_info=None):
        reads.append(block_info[None]["chunk-location"][0])
        start = 10 * reads[-1]
        return signals[start : start + 10]

    X = da.map_blocks(block, chunks=((10,) * 24, (8,)), dtype=float)
    seen = []
    with dask.config.set(scheduler="synchronous"):
        for batch in ChunkedSamples(X, run=16).batches(16, np.random.default_rng(0)):
            seen.append(batch.X.compute())
    assert sorted(reads) == list(range(24))
    assert np.array_equal(np.unique(np.concatenate(seen), axis=0), np.unique(signals, axis=0))
    # Neighbours come apart.
    assert len(np.unique(reads[:8])) == 8
    assert not np.array_equal(np.concatenate(seen)[:80], signals[:80])


def test_given_atoms_need_no_samples_to_start_from(signals, atoms):
    reads = []

    def block(x):
        reads.append(len(x))
        return x

    X = chunks(signals, 60).map_blocks(block, dtype=float, meta=np.empty((0, 8)))
    learner(atoms, n_epochs=1).fit(X)
    assert reads == [60] * 4


def test_rows_are_those_of_the_array(signals):
    lengths = (50, 0, 90, 100)
    X = da.from_array(signals, chunks=(lengths, (8,))).map_blocks(sparse.csr_array)
    rows = Chunks(X).rows([(3, 40), (45, 55), (100, 240)]).compute(scheduler="synchronous")
    assert np.array_equal(rows.toarray(), signals[np.r_[3:40, 45:55, 100:240]])


def test_early_stopping_holds_the_same_share_out(signals, atoms):
    model = learner(atoms, batch_size=40, validation_fraction=0.2, n_epochs=4)
    model.fit(chunks(signals, 30))
    held = model.history_["validation"]
    assert len(held) == 5 and held[-1] < held[0]


def test_atoms_start_from_samples_of_all_chunks(signals):
    inside = DictionaryLearning(12, alpha=0.05, n_epochs=2, random_state=0)
    expected = inside.fit(signals).components_
    model = inside.fit(chunks(signals, 100))
    assert np.abs(model.components_ - expected).max() < 1e-12


def test_what_is_read_to_start_from_is_bounded(monkeypatch, signals):
    monkeypatch.setattr("sparsecode.distributed.samples._MOST_ROWS", 40)
    monkeypatch.setattr("sparsecode.distributed.samples._MOST_CHUNKS", 5)
    reads = []

    def block(block_info=None):
        reads.append(block_info[None]["chunk-location"][0])
        start = 10 * reads[-1]
        return signals[start : start + 10]

    X = da.map_blocks(block, chunks=((10,) * 24, (8,)), dtype=float)
    with dask.config.set(scheduler="synchronous"):
        batch = some_rows(Batch(X), np.random.RandomState(0))
    assert len(set(reads)) == 5 and 5 <= len(batch.X) <= 40
    assert (batch.X[:, None] == signals).all(axis=2).any(axis=1).all()


def test_dead_atoms_and_missing_entries(signals, atoms):
    gone = signals.copy()
    gone[::5, 2] = np.nan
    model = learner(atoms, missing="mask")
    expected = model.fit(gone).components_
    assert np.abs(model.fit(chunks(gone, 70)).components_ - expected).max() < 1e-12
    unused = Dictionary(np.vstack([atoms.atoms[:-1], np.zeros((1, 8))]))
    model = learner(unused)
    expected = model.fit(signals).components_
    assert np.abs(model.fit(chunks(signals, 70)).components_ - expected).max() < 1e-12
    assert model.dictionary_.norms.min() > 0.5


@pytest.mark.parametrize("policy", ["drop", "clip"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_outliers_are_those_of_memory(signals, atoms, policy, weighted, make):
    far = signals.copy()
    far[[3, 75, 200]] *= 1000
    weight = np.random.default_rng(0).integers(0, 2, len(far)) if weighted else None
    model = learner(atoms, outliers=policy)
    inside = model.fit(far, sample_weight=weight)
    expected, found = inside.components_, (inside.n_outliers_, inside.outlier_norm_)
    assert found[0] == (3 if weight is None else weight[[3, 75, 200]].sum()) > 0
    model.fit(chunks(far, 70).map_blocks(make), sample_weight=weight)
    assert np.abs(model.components_ - expected).max() < 1e-12
    assert (model.n_outliers_, model.outlier_norm_) == pytest.approx(found)


def test_limits_of_outliers_come_from_some_rows(monkeypatch, signals, atoms):
    monkeypatch.setattr("sparsecode.estimators._outliers.MOST", 60)
    far = signals.copy()
    far[[3, 75, 200]] *= 1000
    model = learner(atoms, outliers="drop", n_epochs=1).fit(chunks(far, 70))
    assert model.n_outliers_ == 3


@pytest.mark.parametrize("batch_size", [None, 60])
def test_weights_may_be_in_chunks(signals, atoms, batch_size):
    weight = np.random.default_rng(0).integers(0, 3, len(signals))
    model = learner(atoms, batch_size=batch_size)
    X = chunks(signals, 70)
    expected = model.fit(X, sample_weight=weight).components_
    lazy = da.from_array(weight, chunks=90)
    assert np.array_equal(model.fit(X, sample_weight=lazy).components_, expected)
    after = learner(atoms, batch_size=batch_size).partial_fit(X, sample_weight=weight)
    mine = learner(atoms, batch_size=batch_size).partial_fit(X, sample_weight=lazy)
    assert np.array_equal(mine.components_, after.components_)
    for wrong in (lazy[1:], lazy[:, None], lazy[lazy > 0]):
        with pytest.raises(ValueError, match=r"one weight for each of 240 samples"):
            model.fit(X, sample_weight=wrong)
    with pytest.raises(ValueError, match="sample_weight"):
        model.fit(X, sample_weight=-lazy)


def test_frames_and_sparse_chunks_are_learned_from(signals, atoms):
    dd = pytest.importorskip("dask.dataframe", reason="dask.dataframe is not installed")
    frame = pd.DataFrame(signals, columns=list("abcdefgh"))
    X = dd.from_pandas(frame, npartitions=3).to_dask_array(lengths=True)
    expected = learner(atoms).fit(signals).components_
    assert np.abs(learner(atoms).fit(X).components_ - expected).max() < 1e-12
    X = chunks(signals, 70).map_blocks(sparse.csr_array)
    assert np.abs(learner(atoms).fit(X).components_ - expected).max() < 1e-12


def test_a_model_of_a_cluster_needs_none(client, signals, atoms):
    with client.as_current():
        model = learner(atoms).fit(chunks(signals, 70))
    model = pickle.loads(pickle.dumps(model))
    assert model.transform(signals).shape == (240, 12)
    assert type(model.components_) is np.ndarray


def test_an_interrupted_fit_keeps_the_last_dictionary(signals, atoms):
    n_read = 0

    def block(x):
        nonlocal n_read
        n_read += 1
        if n_read == 8:
            raise KeyboardInterrupt
        return x

    model = learner(atoms, n_epochs=9)
    X = chunks(signals, 80).map_blocks(block, dtype=float)
    with dask.config.set(scheduler="synchronous"), pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert 1 <= model.n_iter_ < 9
    assert model.transform(signals).shape == (240, 12)


def test_errors_name_the_rows(signals, atoms):
    wrong = signals.copy()
    wrong[100, 3] = np.inf
    with pytest.raises(ValueError, match=r"Rows 80 to 160 of X: .*infinity"):
        learner(atoms).fit(chunks(wrong, 80))
    with pytest.raises(ValueError, match=r"Rows 100 to 105 of X: .*infinity"):
        learner(atoms, batch_size=40).fit(chunks(wrong, 80))


@pytest.mark.parametrize("update", [KSVD(), ApproximateKSVD()], ids=repr)
def test_updates_that_need_the_samples_say_so(signals, atoms, update):
    with pytest.raises(TypeError, match=r"Use BlockUpdate\(\) or MOD\(\)"):
        learner(atoms, update=update).fit(chunks(signals, 80))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda X: X[X[:, 0] > 0], "compute_chunk_sizes"),
        (lambda X: X.rechunk((80, 4)), r"rechunk\(\{1: -1\}\)"),
        (lambda X: X.astype(object), "dtype object"),
        (lambda X: X[:0], "0 samples"),
        (lambda X: X[:, 0], "1 dimensions"),
    ],
)
def test_wrong_arrays_are_refused(signals, atoms, make, match):
    model = learner(atoms)
    with pytest.raises((ValueError, TypeError), match=match):
        model.fit(make(chunks(signals, 80)))
    assert not hasattr(model, "dictionary_")


def test_a_coder_is_fitted_without_reading(atoms):
    X = da.from_delayed(dask.delayed(lambda: 1 / 0)(), shape=(5, 8), dtype=float)
    assert SparseCoder(atoms).fit(X).n_features_in_ == 8


def test_models_that_need_memory_name_the_way(signals):
    with pytest.raises(TypeError, match="iterator of batches"):
        SparseOutlierDetector().fit(chunks(signals, 80))
