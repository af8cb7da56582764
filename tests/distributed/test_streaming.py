"""Training on Dask arrays: the networks of arrays in memory, from a stream of their chunks."""

import os
import pickle
import signal

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sparsecode import (
    LISTA,
    Dictionary,
    DictionaryLearning,
    OlshausenField,
    SparseAutoencoder,
    Transcoder,
)
from sparsecode.datasets import make_sparse_signals
from sparsecode.distributed.streaming import StreamedSamples
from sparsecode.encoders import BatchTopK, Exact, TopK
from sparsecode.estimators._callbacks import HAS_CALLBACKS
from sparsecode.losses import AutoencoderLoss, LassoLoss, SupervisedLoss
from sparsecode.optimizers import LBFGS
from sparsecode.penalties import L1
from sparsecode.training import train

N_ATOMS, N_FEATURES = 12, 8
ATOMS = Dictionary.random(N_ATOMS, N_FEATURES, random_state=1)
SHORT = {"n_epochs": 3, "batch_size": 64, "random_state": 0}
MODELS = {
    "top k": SparseAutoencoder(N_ATOMS, encoder=TopK(2), **SHORT),
    "batch top k": SparseAutoencoder(N_ATOMS, encoder=BatchTopK(2), **SHORT),
    "target": SparseAutoencoder(N_ATOMS, target_l0=3, offset="geometric_median", **SHORT),
    "transcoder": Transcoder(N_ATOMS, **SHORT),
    "own atoms": LISTA(N_ATOMS, n_layers=3, alpha=0.1, **SHORT),
    "exact codes": LISTA(
        dictionary=ATOMS, n_layers=3, alpha=0.1, loss="supervised", stages="layer_by_layer", **SHORT
    ),
}


@pytest.fixture(scope="module")
def signals():
    return make_sparse_signals(500, N_ATOMS, N_FEATURES, n_nonzero=2, random_state=0).X


@pytest.fixture(scope="module")
def targets(signals):
    return signals[:, :2] @ [[1.0, 0.5, 0.0], [-1.0, 2.0, 1.0]]


def chunks(X, rows=110):
    return da.from_array(X, chunks=(rows, *X.shape[1:]))


def fitted(model, X, y=None, **given):
    """Parameters and losses after `fit`."""
    model.fit(X, *([y] if isinstance(model, Transcoder) else []), **given)
    params = {**model.encoder_.params, "atoms": model.components_}
    return {name: array.copy() for name, array in params.items()}, model.history_["loss"]


def same(first, second):
    arrays = all(np.array_equal(first[0][name], array) for name, array in second[0].items())
    return arrays and first[1] == second[1]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_in_order_train_the_network_of_memory(signals, targets, name, weighted):
    model = MODELS[name].set_params(shuffle=False)
    weight = np.random.default_rng(0).integers(0, 3, len(signals)) if weighted else None
    expected = fitted(model, signals, targets, sample_weight=weight)
    n_iter = model.n_iter_
    assert same(fitted(model, chunks(signals), chunks(targets), sample_weight=weight), expected)
    assert model.n_iter_ == n_iter


@pytest.mark.parametrize("name", ["top k", "own atoms"])
def test_calls_of_partial_fit_are_those_of_memory(signals, name):
    inside, apart = (pickle.loads(pickle.dumps(MODELS[name])) for _ in range(2))
    for part in (slice(0, 300), slice(300, 500)):
        inside.partial_fit(signals[part])
        apart.partial_fit(chunks(signals[part], 70))
    assert np.array_equal(inside.components_, apart.components_)
    assert inside.history_["loss"] == apart.history_["loss"]


@pytest.mark.parametrize("name", ["top k", "exact codes", "transcoder"])
def test_who_computes_does_not_change_a_bit(client, signals, targets, name):
    model, X, y = MODELS[name].set_params(shuffle=True), chunks(signals), chunks(targets)
    with dask.config.set(scheduler="synchronous"):
        expected = fitted(model, X, y)
    with dask.config.set(scheduler="threads", num_workers=4):
        assert same(fitted(model, X, y), expected)
    with client.as_current():
        assert same(fitted(model, X, y), expected)
    assert type(model.components_) is np.ndarray
    assert pickle.loads(pickle.dumps(model)).transform(signals[:5]).shape == (5, N_ATOMS)


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of two chunks of fifty samples."""
    monkeypatch.setattr("sparsecode.distributed.streaming._WINDOW_BYTES", 2 * 50 * N_FEATURES * 8)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_rows_are_shuffled_across_a_window(signals, form):
    X, weight = chunks(signals, 50).map_blocks(form), np.ones(500)
    weight[::4] = 0
    target = da.from_array(np.arange(500.0), chunks=50)[:, None]
    samples = StreamedSamples(X, weight, target)
    first, again, other = (
        list(samples.batches(64, np.random.default_rng(seed))) for seed in (0, 0, 1)
    )
    assert [batch.X.shape[0] for batch in first] == [64] * 5 + [55]
    order = np.concatenate([batch.target[:, 0] for batch in first]).astype(int)
    assert np.array_equal(np.sort(order), np.flatnonzero(weight))
    for batch in first:
        X = batch.X.toarray() if sparse.issparse(batch.X) else batch.X
        assert np.array_equal(X, signals[batch.target[:, 0].astype(int)])
    # 74 to 76 rows of a window have positive weight.
    assert len(set(order[:74] // 50)) == 2 and len(np.flatnonzero(np.diff(order[:74] // 50))) > 9
    assert all(np.array_equal(a.target, b.target) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].target, other[0].target)


@pytest.mark.usefixtures("small_windows")
def test_no_more_is_read_than_the_next_window(signals):
    reads = []

    def block(x, block_id=None):
        reads.append(block_id[0])
        return x

    X = chunks(signals, 50).map_blocks(block, dtype=float)
    with dask.config.set(scheduler="synchronous"):
        batches = StreamedSamples(X).batches(20)
        next(batches)
        batches.close()
    assert len(reads) <= 4


def test_some_samples_are_held_out(signals):
    model = SparseAutoencoder(N_ATOMS, encoder=TopK(2), validation_fraction=0.2, **SHORT)
    model.fit(chunks(signals, 60))
    assert len(model.history_["validation"]) == 3
    assert model.n_iter_ == 3 * -(-400 // 64)
    states = train(
        *(model.encoder_, model.dictionary_, chunks(signals)),
        loss=AutoencoderLoss(),
        X_val=chunks(signals[:100], 30),
        n_epochs=1,
        shuffle=False,
        learn_dictionary=True,
    )
    inside = train(
        *(model.encoder_, model.dictionary_, signals),
        loss=AutoencoderLoss(),
        X_val=signals[:100],
        n_epochs=1,
        shuffle=False,
        learn_dictionary=True,
    )
    assert list(states)[-1].best_loss == list(inside)[-1].best_loss


@pytest.mark.parametrize("optimizer", [None, LBFGS(max_iter=5)])
def test_a_resumed_loop_gives_the_same_bits(signals, optimizer):
    def states(n_epochs, state=None):
        return list(
            train(
                MODELS["own atoms"].encoder_,
                ATOMS,
                chunks(signals),
                loss=LassoLoss(L1(0.1)),
                optimizer=optimizer,
                target=None,
                batch_size=50,
                steps_per_epoch=None if optimizer else 7,
                n_epochs=n_epochs,
                random_state=3,
                state=state,
            )
        )

    MODELS["own atoms"].fit(chunks(signals))
    whole = states(4)[-1]
    part = states(2)[-1]
    resumed = states(4, part)[-1]
    assert whole.n_steps == resumed.n_steps
    for name, array in whole.params.items():
        assert np.array_equal(array, resumed.params[name])


def test_an_encoder_computes_targets_in_chunks(signals):
    MODELS["exact codes"].set_params(shuffle=False).fit(signals)
    encoder = MODELS["exact codes"].encoder_
    options = {"loss": SupervisedLoss(), "target": Exact(L1(0.1)), "shuffle": False, "n_epochs": 2}
    *_, inside = train(encoder, ATOMS, signals, **options)
    *_, apart = train(encoder, ATOMS, chunks(signals), **options)
    assert all(np.array_equal(inside.params[n], a) for n, a in apart.params.items())
    codes = Exact(L1(0.1)).encode(signals, ATOMS)
    inside = fitted(MODELS["exact codes"], signals, codes=codes)
    assert same(fitted(MODELS["exact codes"], chunks(signals), codes=chunks(codes)), inside)


def test_filters_and_single_targets(signals, targets):
    X = 0.3 * signals
    inside, apart = (OlshausenField(N_ATOMS, batch_size=50, random_state=0) for _ in range(2))
    inside.partial_fit(X)
    apart.partial_fit(chunks(X))
    assert np.array_equal(inside.components_, apart.components_)
    assert apart.fit(chunks(X)).n_iter_ == 10 * apart.n_epochs
    model = MODELS["transcoder"].fit(chunks(signals), chunks(targets[:, 0]))
    assert model.predict(signals).shape == (500,)


def test_targets_of_unknown_length(signals, targets):
    dd = pytest.importorskip("dask.dataframe", reason="dask.dataframe is not installed")
    model = MODELS["transcoder"].set_params(shuffle=False)
    expected = fitted(model, signals, targets)
    frame = dd.from_pandas(pd.DataFrame(targets), npartitions=3)
    lengths = tuple(len(part) for part in frame.partitions)
    X = da.from_array(signals, chunks=(lengths, N_FEATURES))
    assert same(fitted(model, X, frame), expected)
    with pytest.raises(ValueError, match=r"Chunk \d of the rows: y has"):
        model.fit(da.from_array(signals, chunks=((100, 200, 200), N_FEATURES)), frame)


def test_frames_empty_chunks_and_half_precision(signals):
    dd = pytest.importorskip("dask.dataframe", reason="dask.dataframe is not installed")
    model = MODELS["top k"].set_params(shuffle=False)
    frame = dd.from_pandas(pd.DataFrame(signals), npartitions=3).to_dask_array(lengths=True)
    expected = fitted(model, signals)
    assert same(fitted(model, frame), expected)
    gaps = da.concatenate([chunks(signals[:200]), chunks(signals[:0]), chunks(signals[200:])])
    assert same(fitted(model, gaps), expected)
    expected = fitted(model, signals.astype(np.float16).astype(np.float32))
    assert same(fitted(model, chunks(signals.astype(np.float16))), expected)
    assert model.components_.dtype == np.float32


def test_killed_workers_change_nothing(client, signals, tmp_path):
    def block(x, flag=None, block_id=None):
        # The first tasks that read these chunks kill their workers.
        flag = f"{flag}{block_id[0]}"
        if block_id[0] in (1, 3) and not os.path.exists(flag):
            with open(flag, "w"):
                os.kill(os.getpid(), signal.SIGKILL)
        return x

    model = MODELS["top k"].set_params(shuffle=True)
    expected = fitted(model, chunks(signals))
    X = chunks(signals).map_blocks(block, flag=str(tmp_path / "killed"), dtype=float)
    with client.as_current():
        assert same(fitted(model, X), expected)
    assert (tmp_path / "killed1").exists() and (tmp_path / "killed3").exists()


@pytest.mark.parametrize("scheduler", ["threads", "workers"])
def test_a_chunk_that_cannot_be_computed_is_named(client, signals, scheduler):
    def block(x, block_id=None):
        if block_id[0] == 3:
            raise OSError("no such disk")
        return x

    # What training starts from is read before: it has another message.
    samples = StreamedSamples(chunks(signals).map_blocks(block, dtype=float))
    if scheduler == "workers":
        with client.as_current():
            samples = StreamedSamples(samples.X)
    with pytest.raises(OSError, match="no such disk") as caught:
        list(samples.batches(50))
    assert caught.value.__notes__ == ["Chunk 3 of the rows could not be computed."]


def test_wrong_values_name_the_rows(signals):
    wrong = signals.copy()
    wrong[230, 3] = np.nan
    model = SparseAutoencoder(N_ATOMS, **SHORT)
    with pytest.raises(ValueError, match=r"Chunk 2 of the rows: .*NaN"):
        model.fit(chunks(wrong))
    assert not hasattr(model, "dictionary_")
    options = {"loss": AutoencoderLoss(), "learn_dictionary": True, "shuffle": False}
    with pytest.raises(ValueError, match=r"Chunk 2 of the rows: .*NaN"):
        list(train(TopK(2), ATOMS, chunks(wrong), **options))
    with pytest.raises(ValueError, match=r"Chunk 2 of the rows: .*y contains NaN"):
        Transcoder(N_ATOMS, **SHORT).fit(chunks(signals), chunks(wrong[:, 3]))


def test_an_interrupted_fit_keeps_the_last_parameters(signals):
    n_read = 0

    def block(x):
        nonlocal n_read
        n_read += 1
        if n_read == 25:
            raise KeyboardInterrupt
        return x

    model = SparseAutoencoder(N_ATOMS, encoder=TopK(2), **SHORT | {"n_epochs": 50})
    X = chunks(signals).map_blocks(block, dtype=float)
    with dask.config.set(scheduler="synchronous"), pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert 1 <= model.n_epochs_ < 50
    assert model.transform(signals).shape == (500, N_ATOMS)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda X: X[X[:, 0] > 0], "compute_chunk_sizes"),
        (lambda X: X.rechunk((110, 4)), r"rechunk\(\{1: -1\}\)"),
        (lambda X: X.astype(object), "dtype object"),
        (lambda X: X[:0], "0 samples"),
        (lambda X: X[:, :, None], "3 dimensions"),
    ],
)
def test_wrong_arrays_are_refused(signals, make, match):
    model = SparseAutoencoder(N_ATOMS)
    with pytest.raises((ValueError, TypeError), match=match):
        model.fit(make(chunks(signals)))
    assert not hasattr(model, "dictionary_")


@pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn 1.9 brought callbacks")
@pytest.mark.parametrize("name", ["network", "transcoder", "dictionary"])
def test_callbacks_score_some_rows_in_memory(signals, targets, name, capsys):
    from sklearn.callback import ScoringMonitor

    short = {"n_epochs": 3, "random_state": 0, "verbose": 1}
    model = {
        "network": SparseAutoencoder(N_ATOMS, encoder=TopK(2), patience=5, **short),
        "transcoder": Transcoder(N_ATOMS, **short),
        "dictionary": DictionaryLearning(N_ATOMS, alpha=0.1, tol=0, **short),
    }[name]
    y = (targets,) if name == "transcoder" else ()
    monitor = ScoringMonitor(
        scoring={
            "score": lambda model, X, y: model.score(X, *([y] if name == "transcoder" else []))
        }
    )
    model.set_callbacks(monitor).fit(chunks(signals), *map(chunks, y))
    scores = [entry["score"] for entry in monitor.get_logs().data]
    assert len(scores) == 4 and scores[-1] == pytest.approx(model.score(signals, *y), rel=1e-9)
    assert capsys.readouterr().out.count("epoch") == 3


def test_what_cannot_go_together_is_refused(signals, targets):
    X, model = chunks(signals), Transcoder(N_ATOMS)
    with pytest.raises(TypeError, match=r"y is .* same chunks of rows"):
        model.fit(X, targets)
    with pytest.raises(TypeError, match=r"y\.compute\(\)"):
        model.fit(signals, chunks(targets))
    with pytest.raises(ValueError, match=r"y has the chunks .* y\.rechunk"):
        model.fit(X, chunks(targets, 100))
    with pytest.raises(ValueError, match="batch_size is None"):
        SparseAutoencoder(N_ATOMS, batch_size=None).fit(X)
    with pytest.raises(ValueError, match="X has 8 columns; expected 5"):
        train(TopK(2), np.eye(5), X, loss=AutoencoderLoss(), learn_dictionary=True)
    with pytest.raises(ValueError, match="has 7 features"):
        SparseAutoencoder(N_ATOMS, **SHORT).fit(X).partial_fit(X[:, :7])
