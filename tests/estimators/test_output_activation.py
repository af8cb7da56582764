"""Autoencoders whose decoder ends in a sigmoid: the exercise of CS294A, small."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn.datasets import load_digits

from sparsecode import SparseAutoencoder, Transcoder
from sparsecode.constraints import Free
from sparsecode.encoders import ReLU, Sigmoid
from sparsecode.losses import AutoencoderLoss, KLDivergence, WeightDecay
from sparsecode.optimizers import LBFGS, Adam
from sparsecode.penalties import L1

pytestmark = pytest.mark.needs_jit("autoencoders are trained")
LOSS = AutoencoderLoss([KLDivergence(0.05, 0.5), WeightDecay(1e-4)], output="sigmoid")


@pytest.fixture(scope="module")
def X():
    return 0.1 + 0.8 * load_digits().data[:300] / 16


@pytest.fixture(scope="module")
def model(X):
    return SparseAutoencoder(
        10,
        encoder=Sigmoid(),
        loss=LOSS,
        optimizer=LBFGS(max_iter=60),
        batch_size=None,
        n_epochs=1,
        constraint=Free(),
        random_state=0,
    ).fit(X)


def test_reconstructions_are_sigmoids(X, model):
    codes = model.transform(X)
    linear = codes @ model.components_ + model.dictionary_.offset
    found = model.inverse_transform(codes)
    np.testing.assert_allclose(found, expit(linear), rtol=1e-12)
    errors = np.sum((found - X) ** 2, axis=1) / 2
    np.testing.assert_allclose(model.score_samples(X), -errors, rtol=1e-10)
    assert errors.mean() < 0.6 * np.sum(X.var(axis=0)) / 2
    assert model.output_ == "sigmoid" and model.history_["loss"][-1] < 3


def test_it_starts_at_the_mean(X):
    options = {"loss": AutoencoderLoss([L1(1.0)], output="sigmoid"), "n_epochs": 1}
    still = SparseAutoencoder(
        8, encoder=ReLU(initial_bias=-1e3), optimizer=Adam(0.0), random_state=0, **options
    )
    found = still.fit(X).inverse_transform(np.zeros((1, 8)))[0]
    np.testing.assert_allclose(found, X.mean(axis=0), rtol=1e-6)


def test_it_is_saved_and_trained_on(X, model, tmp_path):
    model.save(tmp_path / "model.npz")
    loaded = SparseAutoencoder.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(
        loaded.inverse_transform(loaded.transform(X)), model.inverse_transform(model.transform(X))
    )
    np.testing.assert_array_equal(loaded.score_samples(X), model.score_samples(X))
    before = loaded.score(X)
    assert loaded.loss == LOSS
    loaded.set_params(optimizer=Adam(1e-3), batch_size=100).partial_fit(X)
    assert loaded.output_ == "sigmoid" and loaded.score(X) > before
    assert set(loaded.history_) == set(model.history_)


def test_a_loss_with_a_term_of_others_is_saved_as_its_output(X, tmp_path):
    class Own(WeightDecay):
        pass

    options = {"encoder": Sigmoid(), "n_epochs": 1, "random_state": 0}
    model = SparseAutoencoder(4, loss=AutoencoderLoss([Own()], output="sigmoid"), **options)
    model.fit(X).save(tmp_path / "model.npz")
    assert SparseAutoencoder.load(tmp_path / "model.npz").loss == AutoencoderLoss(output="sigmoid")
    model.set_params(loss=None).save(tmp_path / "model.npz")
    assert SparseAutoencoder.load(tmp_path / "model.npz").loss == AutoencoderLoss(output="sigmoid")


def test_what_is_for_linear_decoders_refuses(X, model):
    for call in (
        lambda: model.certify(X),
        lambda: model.refine(X),
        lambda: model.fold(scale=2.0),
        lambda: model.steer(X, 0, 1.0),
        lambda: model.to_checkpoint(),
    ):
        with pytest.raises(ValueError, match="output of this decoder is 'sigmoid'; expected None"):
            call()
    with pytest.raises(TypeError, match="does not scale with the samples"):
        SparseAutoencoder(
            8, scale_inputs=True, loss=AutoencoderLoss([L1(1.0)], output="sigmoid")
        ).fit(X)
    with pytest.raises(ValueError, match="loss has the output 'sigmoid'; expected None"):
        Transcoder(8, loss=AutoencoderLoss(output="sigmoid")).fit(X, X)


def test_the_exercise_is_the_function_of_its_script(monkeypatch):
    folder = Path(__file__).parents[2] / "benchmarks" / "autoencoders"
    monkeypatch.syspath_prepend(str(folder.parent))
    spec = importlib.util.spec_from_file_location("cs294a", folder / "cs294a.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    X, weights = script.samples(200), script.start()
    assert X.min() >= 0.1 - 1e-9 and X.max() <= 0.9 + 1e-9
    model = script.autoencoder(weights, optimizer=LBFGS(max_iter=5)).fit(X)
    n_weights = weights.size
    begun, _ = script.cost(np.r_[weights.ravel(), np.zeros(script.UNITS + 64)], X)
    point = script.point_of(model)
    assert len(point) == n_weights + script.UNITS + 64
    assert model.history_["loss"][-1] == pytest.approx(script.cost(point, X)[0], rel=1e-9)
    assert model.history_["loss"][-1] < begun
