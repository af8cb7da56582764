"""Training never ends worse than it began, and says so; what is not trained is set at the end."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sparsecode import LISTA, Dictionary, SparseAutoencoder, Transcoder, certify
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import LISTACP, BatchTopK, TopK
from sparsecode.metrics import explained_variance, l0
from sparsecode.optimizers import SGD, Adam
from sparsecode.penalties import L1

pytestmark = pytest.mark.needs_jit("autoencoders are trained")


@pytest.fixture(scope="module")
def X():
    return make_sparse_signals(1000, 64, 32, n_nonzero=4, positive=True, random_state=0).X


def test_a_network_that_diverges_goes_back_to_its_start(X):
    dictionary = Dictionary.random(40, 32, random_state=0)
    model = LISTA(
        dictionary=dictionary,
        encoder=LISTACP(n_layers=4),
        alpha=0.05,
        optimizer=Adam(0.1),
        n_epochs=3,
        random_state=0,
    )
    with pytest.warns(
        ConvergenceWarning, match=r"raised the loss from .* keeps its initial parameters. Lower the"
    ):
        model.fit(X)
    start = LISTACP(L1(0.05), n_layers=4).encode(X, dictionary)
    begun = certify(X, start, dictionary, L1(0.05)).objective.mean()
    assert -model.score(X) == pytest.approx(begun, rel=1e-9)
    # It goes on from there, with a fresh optimizer.
    model.set_params(optimizer=Adam(1e-3)).partial_fit(X)
    assert -model.score(X) < begun


@pytest.mark.parametrize("options", [{}, {"validation_fraction": 0.2}, {"target_l0": 4}])
def test_an_autoencoder_that_diverges_goes_back_to_its_start(X, options):
    model = SparseAutoencoder(64, alpha=0.05, random_state=0, n_epochs=3)
    model.set_params(target_l0=options.get("target_l0"), optimizer=SGD(0.0)).fit(X)
    begun = explained_variance(X, model.inverse_transform(model.transform(X)))
    model.set_params(**options)
    with pytest.warns(
        ConvergenceWarning, match=r"it diverged.*The model keeps its initial parameters"
    ):
        model.set_params(optimizer=Adam(1.0)).fit(X)
    assert explained_variance(X, model.inverse_transform(model.transform(X))) >= begun - 1e-9
    assert len(model.history_["loss"]) == 3


def test_streams_and_parts_of_trainings_go_back_too(X):
    model = Transcoder(64, encoder=TopK(k=4), optimizer=Adam(30.0), random_state=0)
    with pytest.warns(ConvergenceWarning, match="raised the loss"):
        model.fit((part, part) for part in np.split(X, 4))
    # That of a mean of fewer samples.
    assert model.score(X, X) >= -0.01
    model.set_params(optimizer=Adam(0.003)).partial_fit(X, X)
    good = model.score(X, X)
    model.state_ = None
    with pytest.warns(ConvergenceWarning, match="raised the loss"):
        model.set_params(optimizer=Adam(30.0)).partial_fit(X, X)
    assert model.score(X, X) == pytest.approx(good)


def test_what_raises_keeps_nothing_worse_than_the_start(X):
    model = SparseAutoencoder(64, alpha=0.05, random_state=0)
    begun = model.set_params(optimizer=SGD(0.0)).fit(X).score(X)
    model.set_params(optimizer=SGD(3e3), batch_size=None)
    with pytest.raises(FloatingPointError):
        model.fit(X)
    assert model.score(X) >= begun * (1 + 1e-9)


@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_batch_topk_keeps_k_units_after_any_training(X, rate):
    def kept(model):
        return l0(model.transform(X)).mean()

    model = SparseAutoencoder(64, encoder=BatchTopK(k=5), optimizer=Adam(rate), random_state=0)
    assert kept(model.set_params(n_epochs=2).fit(X)) == pytest.approx(5, rel=0.01)
    assert kept(model.fit(iter(np.split(X, 10)))) == pytest.approx(5, rel=0.05)
    model = clone(model)
    for part in np.split(X, 2):
        model.partial_fit(part)
    assert kept(model) == pytest.approx(5, rel=0.05)
    for part in np.split(X, 50):
        model.partial_fit(part)
    assert kept(model) == pytest.approx(5, rel=0.1)
    twice = np.r_[np.ones(500), np.full(500, 3.0)]
    weighted = l0(model.fit(X, sample_weight=twice).transform(X)) @ twice / twice.sum()
    assert weighted == pytest.approx(5, rel=0.01)
    reader = Transcoder(64, encoder=BatchTopK(k=2.5), optimizer=Adam(rate), random_state=0)
    assert kept(reader.fit(X, X)) == pytest.approx(2.5, rel=0.01)


def test_batch_topk_trains_on_from_samples_that_tell_nothing(X):
    model = SparseAutoencoder(64, encoder=BatchTopK(k=2), random_state=0)
    model.fit(part for part in (X[:1], X[1:]))
    assert l0(model.transform(X)).mean() == pytest.approx(2, rel=0.01)
    constant = np.ones((50, 32))
    assert np.isfinite(model.fit(constant).transform(constant)).all()
    model.fit(part for part in (constant, X))
    assert l0(model.transform(np.r_[constant, X])).mean() == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("target", [2.5, 4])
def test_batch_topk_takes_a_mean_as_target(X, target):
    model = SparseAutoencoder(64, encoder=BatchTopK(), target_l0=target, random_state=0).fit(X)
    assert l0(model.transform(X)).mean() == pytest.approx(target, rel=0.01)
    assert model.to_checkpoint().k == target
