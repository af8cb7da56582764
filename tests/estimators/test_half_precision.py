"""float16 samples are learned from in float32."""

import numpy as np
import pytest

from sparsecode import LISTA, DictionaryLearning, OlshausenField, SparseAutoencoder, Transcoder
from sparsecode.initialization import initial_dictionary, initial_offset

pytestmark = pytest.mark.needs_jit("a training for each estimator")
MODELS = [
    SparseAutoencoder(12, alpha=0.1),
    Transcoder(12, alpha=0.1),
    DictionaryLearning(12, alpha=0.1),
    LISTA(n_components=12, n_layers=2, alpha=0.1),
    OlshausenField(12, batch_size=50, variance_goal=1.0),
]


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).standard_normal((200, 8)).astype(np.float16)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_as_float32(X, model):
    model.set_params(random_state=0, n_epochs=2)
    targets = (X[:, :3], X[:, :3].astype("f4")) if isinstance(model, Transcoder) else (None, None)
    codes = model.fit(X, targets[0]).transform(X)
    assert codes.dtype == model.components_.dtype == np.float32
    expected = model.fit(X.astype("f4"), targets[1]).transform(X.astype("f4"))
    np.testing.assert_array_equal(codes, expected)


@pytest.mark.parametrize("model", MODELS[:3], ids=lambda model: type(model).__name__)
def test_maps_stay_on_disk(X, model, tmp_path):
    np.save(tmp_path / "X.npy", X)
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    model.set_params(random_state=0, n_epochs=2, batch_size=50)
    targets = X[:, :3] if isinstance(model, Transcoder) else None
    assert model.fit(on_disk, targets).components_.dtype == np.float32
    assert np.isfinite(model.transform(X)).all()
    for init in ("samples", "svd"):
        assert initial_dictionary(init, on_disk, 4).dtype == np.float32
    for given in (X, on_disk):
        offset = initial_offset("mean", given)
        assert offset.dtype == np.float32
        np.testing.assert_allclose(offset, X.astype("f8").mean(axis=0), rtol=1e-6, atol=1e-8)
