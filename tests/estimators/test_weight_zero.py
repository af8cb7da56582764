"""A sample of weight 0 has no part in anything: fitting with it is fitting without it."""

import inspect

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier

import sparsecode
from sparsecode import (
    LISTA,
    ArchetypalAnalysis,
    DictionaryLearning,
    SparseAutoencoder,
    TaskDrivenDictionaryLearningClassifier,
    TaskDrivenDictionaryLearningRegressor,
    Transcoder,
)
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import BatchTopK, ReLU, TopK
from sparsecode.estimators import PoissonDictionaryLearning
from sparsecode.initialization import initial_dictionary, initial_offset
from sparsecode.training import Batch

pytestmark = pytest.mark.needs_jit("a training for each estimator")


@pytest.fixture(scope="module")
def samples():
    return make_sparse_signals(300, 16, 12, n_nonzero=3, positive=True, random_state=0).X


@pytest.fixture(scope="module")
def mixed(samples):
    """The samples among others, of another kind and huge, that count nothing."""
    rng = np.random.default_rng(1)
    junk = np.zeros((100, 12))
    junk[:, 3] = 300 * rng.standard_normal(100)
    place = np.sort(rng.permutation(400)[:300])
    X, weight = np.empty((400, 12)), np.zeros(400)
    X[np.setdiff1d(np.arange(400), place)] = junk
    X[place], weight[place] = samples, 1.0
    return X, weight


MODELS = [
    *(SparseAutoencoder(16, encoder=TopK(k=3), init=i) for i in ("samples", "svd", "k-means++")),
    SparseAutoencoder(16, encoder=ReLU(), target_l0=3, offset="geometric_median"),
    SparseAutoencoder(16, encoder=BatchTopK(), target_l0=3, validation_fraction=0.2),
    SparseAutoencoder(16, alpha=0.1, scale_inputs=True, batch_size=None),
    Transcoder(16, alpha=0.1, init="samples"),
    LISTA(n_components=16, n_layers=2, alpha=0.1),
    LISTA(dictionary=np.eye(12), n_layers=2, alpha=0.1, loss="supervised"),
    ArchetypalAnalysis(5),
    PoissonDictionaryLearning(8, alpha=0.1),
    TaskDrivenDictionaryLearningClassifier(16, lr=0.1, batch_size=1000),
    TaskDrivenDictionaryLearningRegressor(16, lr=0.1, batch_size=1000),
    DictionaryLearning(16, alpha=0.1),
    DictionaryLearning(16, alpha=0.1, batch_size=50, init="k-means++", validation_fraction=0.1),
]


def test_every_estimator_that_takes_weights_is_tried():
    named = [getattr(sparsecode, name) for name in sparsecode.__all__]
    takers = {
        cls
        for cls in named
        if hasattr(cls, "fit") and "sample_weight" in inspect.signature(cls.fit).parameters
    }
    assert takers == {type(model) for model in MODELS}


@pytest.mark.parametrize(
    "model", MODELS, ids=lambda m: f"{type(m).__name__}-{m.get_params()['n_components']}"
)
def test_fit_is_that_without_them(model, samples, mixed):
    X, weight = mixed
    model.set_params(random_state=0, n_epochs=2)
    targets = None, None
    if is_classifier(model):
        targets = np.where(X[:, 0] > 0, "a", "b"), np.where(samples[:, 0] > 0, "a", "b")
    elif hasattr(model, "predict"):
        targets = X[:, :4], samples[:, :4]
    if isinstance(model, PoissonDictionaryLearning):
        X, samples = np.abs(X), np.abs(samples)
    found = model.fit(X, targets[0], sample_weight=weight).transform(samples)
    expected = model.fit(samples, targets[1]).transform(samples)
    # Their linear model is solved to a tolerance.
    is_driven = type(model).__name__.startswith("TaskDriven")
    rtol, atol = (1e-5, 1e-6) if is_driven else (1e-9, 1e-12)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("encoder", [ReLU(), BatchTopK()])
def test_streams_leave_them_out(samples, mixed, encoder):
    X, weight = mixed
    model = SparseAutoencoder(16, encoder=encoder, target_l0=3, init="samples", random_state=0)
    found = model.partial_fit(X, sample_weight=weight).transform(samples)
    expected = model.set_params(n_jobs=1)
    expected = clone(expected)
    np.testing.assert_allclose(found, expected.partial_fit(samples).transform(samples), rtol=1e-9)


def test_starts_of_maps_and_sparse_matrices(samples, mixed, tmp_path):
    X, weight = mixed
    np.save(tmp_path / "X.npy", X)
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    for init in ("samples", "svd", "k-means++"):
        expected = initial_dictionary(init, samples, 16, random_state=0).atoms
        for given in (on_disk, sparse.csr_array(X)):
            found = initial_dictionary(init, given, 16, sample_weight=weight, random_state=0).atoms
            np.testing.assert_allclose(found, expected, atol=1e-9)
    for offset in ("mean", "geometric_median"):
        found = initial_offset(offset, np.where(weight[:, None] > 0, X, 1e200), weight)
        np.testing.assert_allclose(found, initial_offset(offset, samples), rtol=1e-6)


@pytest.mark.parametrize("encoder", [ReLU(), BatchTopK()])
def test_maps_leave_them_out_of_every_batch(samples, mixed, encoder, tmp_path):
    X, weight = mixed
    np.save(tmp_path / "X.npy", X)
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    options = {"target_l0": 3, "shuffle": False, "n_epochs": 3, "random_state": 0}
    model = SparseAutoencoder(16, encoder=encoder, batch_size=400, init="samples", **options)
    found = model.fit(on_disk, sample_weight=weight).transform(samples)
    np.testing.assert_allclose(found, model.fit(samples).transform(samples), rtol=1e-6, atol=1e-9)


def test_counted():
    batch = Batch(np.arange(6.0).reshape(3, 2), np.array([1.0, 0.0, 2.0]), np.eye(3))
    kept = batch.counted()
    np.testing.assert_array_equal(kept.X, [[0, 1], [4, 5]])
    np.testing.assert_array_equal(kept.sample_weight, [1, 2])
    np.testing.assert_array_equal(kept.target, np.eye(3)[[0, 2]])
    assert kept.counted() is kept
