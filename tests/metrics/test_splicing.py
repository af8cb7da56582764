"""Loss recovered, of models whose losses are known."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

from sparsecode import Dictionary, DictionaryLearning
from sparsecode.encoders import Thresholding
from sparsecode.metrics import LossRecovered, explained_variance, loss_recovered

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 6)) + 2


def squared_error(activations):
    return np.mean((activations - X) ** 2)


def test_of_the_squared_error_with_the_mean_it_is_the_explained_variance():
    X_hat = X + 0.3 * rng.standard_normal(X.shape)
    losses = loss_recovered(squared_error, X, X_hat, ablation="mean")
    assert losses.clean == 0
    assert losses.reconstructed == pytest.approx(squared_error(X_hat))
    assert losses.ablated == pytest.approx(X.var(axis=0).mean())
    assert losses.recovered == pytest.approx(explained_variance(X, X_hat))


@pytest.mark.parametrize(
    ("ablation", "constant"),
    [("zero", np.zeros(6)), ("mean", X.mean(axis=0)), (np.arange(6), np.arange(6.0))],
    ids=["zero", "mean", "given"],
)
def test_ablation_is_worth_nothing_and_the_activations_all(ablation, constant):
    nothing = loss_recovered(squared_error, X, np.tile(constant, (40, 1)), ablation=ablation)
    assert nothing.recovered == pytest.approx(0)
    assert nothing.ablated == pytest.approx(squared_error(constant))
    assert loss_recovered(squared_error, X, X, ablation=ablation).recovered == 1
    worse = loss_recovered(squared_error, X, X + 50, ablation=ablation)
    assert worse.recovered < 0


def test_units_of_the_loss_do_not_matter():
    X_hat = 0.9 * X
    plain = loss_recovered(squared_error, X, X_hat)
    other = loss_recovered(lambda activations: 3 + 7 * squared_error(activations), X, X_hat)
    assert other.recovered == pytest.approx(plain.recovered)
    assert plain.recovered == pytest.approx(1 - 0.1**2)
    assert plain == LossRecovered(*plain)


def test_an_estimator_is_spliced_by_its_reconstructions():
    pca = PCA(3).fit(X)
    losses = loss_recovered(squared_error, X, pca, ablation="mean")
    assert losses.recovered == pytest.approx(pca.explained_variance_ratio_.sum())
    with pytest.raises(NotFittedError):
        loss_recovered(squared_error, X, PCA(3))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_an_encoder_is_spliced_by_its_dictionary(container):
    class Encoder:
        def encode(self, rows, dictionary):
            return container(dictionary.correlate(rows))

    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    dictionary = Dictionary(rotation[:4], X.mean(axis=0))
    losses = loss_recovered(squared_error, X, Encoder(), dictionary=dictionary, ablation="mean")
    missed = ((X - X.mean(axis=0)) @ rotation[4:].T).var(axis=0).sum()
    assert losses.recovered == pytest.approx(1 - missed / X.var(axis=0).sum())
    X_hat = dictionary.decode(dictionary.correlate(X))
    assert losses == pytest.approx(loss_recovered(squared_error, X, X_hat, ablation="mean"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_model_gets_arrays_of_its_own(dtype):
    given = X.astype(dtype)
    kept, X_hat = given.copy(), np.full(X.shape, 0.5)
    seen = []

    def model_loss(activations):
        assert activations.dtype == dtype and activations.shape == X.shape
        seen.append(activations.copy())
        activations[:] = 0
        return len(seen)

    losses = loss_recovered(model_loss, given, X_hat, ablation="mean")
    assert losses == (1, 2, 3, 0.5)
    np.testing.assert_array_equal(given, kept)
    np.testing.assert_array_equal(X_hat, 0.5)
    np.testing.assert_array_equal(seen[0], kept)
    np.testing.assert_allclose(seen[2], np.tile(X.mean(axis=0), (40, 1)), rtol=1e-6)


@pytest.mark.parametrize(
    "loss", [np.nan, np.inf, None, "low", np.ones(40), np.ones(1)], ids=lambda loss: str(loss)[:4]
)
def test_a_loss_is_a_finite_number(loss):
    with pytest.raises(ValueError, match=r"model_loss of X as it is is .* expected a finite"):
        loss_recovered(lambda activations: loss, X, X)


def test_refuses():
    dictionary = Dictionary(np.eye(6))
    with pytest.raises(TypeError, match="model_loss is 3; expected a function"):
        loss_recovered(3, X, X)
    with pytest.raises(ValueError, match=r"reconstruct has shape \(39, 6\); expected \(40, 6\)"):
        loss_recovered(squared_error, X, X[1:])
    with pytest.raises(ValueError, match="ablation is 'none'; expected 'zero', 'mean' or an"):
        loss_recovered(squared_error, X, X, ablation="none")
    with pytest.raises(ValueError, match="ablation has 2 columns; expected 6"):
        loss_recovered(squared_error, X, X, ablation=[0, 1])
    with pytest.raises(ValueError, match=r"ablation changes nothing: the loss is 1\.0"):
        loss_recovered(lambda activations: 1.0, X, X)
    with pytest.raises(TypeError, match="dictionary is None; expected the dictionary"):
        loss_recovered(squared_error, X, Thresholding())
    with pytest.raises(TypeError, match="dictionary is given; expected None"):
        loss_recovered(squared_error, X, X, dictionary=dictionary)
    for wrong in (DictionaryLearning, Thresholding, lambda rows: rows):
        with pytest.raises(TypeError, match=r"reconstruct is .* expected a fitted estimator"):
            loss_recovered(squared_error, X, wrong)
