"""Gradients in parts: those of the whole batch, whoever computes them."""

import inspect

import dask
import dask.array as da
import numpy as np
import pytest
from scipy import sparse

from sparsecode import LISTA, Dictionary, SparseAutoencoder, Transcoder, encoders, losses
from sparsecode._batches import Batch
from sparsecode._factored_gradients import RowGradient
from sparsecode.distributed import data_parallel
from sparsecode.distributed.gradients import Point, Rows, _added, _portable, of_parts
from sparsecode.distributed.samples import ChunkedSamples
from sparsecode.encoders import BatchTopK, TopK
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.losses import AutoencoderLoss, KLDivergence, LassoLoss, SupervisedLoss
from sparsecode.penalties import L1
from sparsecode.training import GaussianNoise, train
from sparsecode.training.batch_loss import BatchLoss

N_ATOMS, N_FEATURES = 24, 6
SHORT = {"batch_size": 50, "n_epochs": 3, "random_state": 0}
MODELS = {
    "top k": SparseAutoencoder(N_ATOMS, encoder=TopK(2), **SHORT),
    "clipped": SparseAutoencoder(N_ATOMS, alpha=0.1, max_norm=1.0, **SHORT),
    "transcoder": Transcoder(N_ATOMS, skip=True, **SHORT),
    "unrolled": LISTA(N_ATOMS, n_layers=3, alpha=0.1, **SHORT),
}


@pytest.fixture(scope="module")
def signals():
    return np.random.default_rng(0).standard_normal((230, N_FEATURES))


def chunks(X):
    return da.from_array(X, chunks=(70, X.shape[1]))


def fitted(model, X, y=None, **given):
    model.fit(X, *([y] if isinstance(model, Transcoder) else []), **given)
    params = {**model.encoder_.params, "atoms": model.components_}
    return {name: array.copy() for name, array in params.items()}, model.history_["loss"]


def close(first, second):
    arrays = (np.allclose(first[0][n], a, rtol=0, atol=1e-12) for n, a in second[0].items())
    return all(arrays) and np.allclose(first[1], second[1], rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("weighted", [False, True])
def test_parts_train_the_network_of_one_process(signals, name, weighted):
    weight = np.random.default_rng(1).uniform(0.5, 2, 230) if weighted else None
    model, y = MODELS[name].set_params(shuffle=False), signals[:, :2]
    expected = fitted(model, signals, y, sample_weight=weight)
    with data_parallel(4):
        assert close(fitted(model, chunks(signals), chunks(y), sample_weight=weight), expected)
        assert close(fitted(model, signals, y, sample_weight=weight), expected)


def test_random_batches_are_runs_of_rows(signals):
    X = chunks(signals)
    options = {"loss": AutoencoderLoss([L1(0.1)]), "learn_dictionary": True, "random_state": 3}
    start = TopK(2), Dictionary.random(N_ATOMS, N_FEATURES, random_state=0)
    with data_parallel(3):
        *_, apart = train(*start, X, batch_size=64, n_epochs=1, **options)
    rng = np.random.default_rng((apart.seed, 0))
    batches = (batch.X.compute() for batch in ChunkedSamples(X, run=64).batches(64, rng))
    *_, inside = train(*start, batches, n_epochs=1, **options)
    for name, array in inside.params.items():
        assert np.allclose(apart.params[name], array, rtol=0, atol=1e-12)
    assert apart.n_steps == inside.n_steps == 4


@pytest.mark.parametrize("name", ["top k", "clipped"])
def test_who_computes_does_not_change_a_bit(client, signals, name):
    model, X = MODELS[name].set_params(shuffle=True), chunks(signals)
    with data_parallel(5):
        with dask.config.set(scheduler="synchronous"):
            expected, _ = fitted(model, X)
        with dask.config.set(scheduler="threads", num_workers=4):
            threads, _ = fitted(model, X)
        with client.as_current():
            workers, _ = fitted(model, X)
    for name, array in expected.items():
        assert np.array_equal(threads[name], array) and np.array_equal(workers[name], array)


def test_calls_of_partial_fit_leave_the_context(signals):
    inside, apart = (SparseAutoencoder(N_ATOMS, encoder=TopK(2), **SHORT) for _ in range(2))
    inside.partial_fit(signals).partial_fit(signals)
    with data_parallel(3):
        apart.partial_fit(chunks(signals))
    apart.partial_fit(chunks(signals))
    assert np.allclose(inside.components_, apart.components_, rtol=0, atol=1e-12)


def test_the_scheduler_forgets_steps_that_are_done(client, signals):
    counts = []

    def count(progress):
        if progress.n_steps % 20 == 0:
            found = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
            counts.append(found)

    options = {"loss": AutoencoderLoss(), "learn_dictionary": True, "random_state": 0}
    atoms = Dictionary.random(N_ATOMS, N_FEATURES, random_state=0)
    with client.as_current(), data_parallel(3):
        *_, last = train(
            *(TopK(2), atoms, chunks(signals)),
            batch_size=46,
            n_epochs=24,
            callback=count,
            **options,
        )
    assert last.n_steps == 120 and len(counts) == 6
    assert max(counts[3:]) <= max(counts[:3]) + 20


def public(package, base):
    found = [getattr(package, name) for name in package.__all__]
    return [c for c in found if inspect.isclass(c) and issubclass(c, base) and c is not base]


def pairs():
    """Encoders and losses whose parts can be added."""
    terms = [cls() for cls in public(losses, losses.Term) if cls.is_mean]
    made = [AutoencoderLoss([term]) for term in terms]
    for loss in [*made, AutoencoderLoss([L1(0.3)], levels=(2, 3, None)), LassoLoss(L1(0.1))]:
        for cls in public(encoders, LinearEncoder):
            encoder = cls()
            is_free = not (encoder.depends_on_batch or encoder.buffers)
            if is_free and set(loss.needs) <= set(encoder.signal_names):
                yield pytest.param(encoder, loss, id=f"{cls.__name__}-{loss}")


@pytest.mark.parametrize(("encoder", "loss"), list(pairs()))
def test_losses_that_are_means_can_be_added(signals, encoder, loss):
    dictionary = Dictionary.random(N_ATOMS, N_FEATURES, random_state=0)
    dictionary = dictionary.replace(offset=np.full(N_FEATURES, 0.1))
    batch_loss = BatchLoss(encoder, loss, None, None, True)
    weight = np.random.default_rng(1).uniform(0, 2, 230)

    live = Point(encoder.init(dictionary, random_state=0), loss.init(dictionary), dictionary)
    where = None, 0, 0, (0, 0, 0)
    batch = Batch(signals, weight)
    result, grads, _ = batch_loss.of_batch(live, batch, *where)
    with dask.config.set(scheduler="synchronous"):
        added, parts = of_parts(batch_loss, 7, live, batch, *where)
    assert added.value == pytest.approx(result.value, rel=1e-12)
    assert added.terms == pytest.approx(result.terms, rel=1e-12)
    assert grads.keys() == parts.keys()
    for name, grad in grads.items():
        grad, part = np.asarray(grad), np.asarray(parts[name])
        assert np.allclose(part, grad, rtol=1e-11, atol=1e-13 + 1e-11 * np.abs(grad).max())


def test_gradients_of_sparse_codes_travel_as_the_rows_that_are_used():
    rng = np.random.default_rng(0)
    numbers, values = [], []
    parts = []
    for used in ([3, 5], [5, 70], [0, 99]):
        codes = np.zeros((4, 100))
        codes[:, used] = rng.standard_normal((4, 2))
        rows = rng.standard_normal((4, 6))
        sent = _portable(RowGradient((sparse.csr_array(codes), rows)), 0.5)
        assert isinstance(sent, Rows) and sent.numbers.tolist() == used
        numbers += used
        values.append(0.5 * codes.T @ rows)
        parts.append(({}, {"atoms": sent}))
    _, total = _added(parts)
    assert total["atoms"].numbers.tolist() == sorted(set(numbers))
    assert np.allclose(total["atoms"].dense(), sum(values), rtol=0, atol=1e-14)
    assert np.allclose(np.asarray(total["atoms"].factored()), sum(values), rtol=0, atol=1e-14)
    dense = ({}, {"atoms": np.ones((100, 6))})
    assert np.allclose(_added([dense, *parts])[1]["atoms"], 1 + sum(values), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (SparseAutoencoder(N_ATOMS, encoder=BatchTopK(2)), "codes of BatchTopK.* depend on"),
        (SparseAutoencoder(N_ATOMS, target_l0=3), "no mean over samples"),
        (SparseAutoencoder(N_ATOMS, loss=AutoencoderLoss(tilt=0.1)), "no mean over samples"),
        (SparseAutoencoder(N_ATOMS, loss=AutoencoderLoss(sort_every=2)), "or counts them"),
        (
            SparseAutoencoder(
                N_ATOMS, encoder=encoders.Sigmoid(), loss=AutoencoderLoss([KLDivergence()])
            ),
            "no mean over samples",
        ),
        (SparseAutoencoder(N_ATOMS, corrupt=GaussianNoise(0.1)), "corrupt"),
        (SparseAutoencoder(N_ATOMS, dead_window=100), "dead_window"),
    ],
)
def test_what_depends_on_the_batch_is_refused(signals, model, match):
    with data_parallel(), pytest.raises(TypeError, match=rf"{match}.*outside of data_parallel"):
        model.fit(chunks(signals))
    assert not hasattr(model, "dictionary_")


def test_targets_of_an_encoder_and_wrong_numbers(signals):
    atoms = Dictionary.random(N_ATOMS, N_FEATURES, random_state=0)
    model = LISTA(
        dictionary=atoms, loss="supervised", alpha=0.1, n_layers=2, shuffle=False, **SHORT
    )
    expected = fitted(model, signals)
    with data_parallel(3):
        assert close(fitted(model, chunks(signals)), expected)
    for wrong in (0, 1.5, None):
        with pytest.raises(ValueError, match="n_parts"), data_parallel(wrong):
            pass
    assert SupervisedLoss.is_mean
