"""A network is trained the same in all units of samples and atoms."""

import numpy as np
import pytest

from sparsecode import LISTA, Dictionary, encoders
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import ALISTA, LISTACP, LISTASS, MLP, PSD, SLISTA, ReLU, TiLISTA
from sparsecode.encoders._scalable_encoder import params_in_units, reads_atoms_in_units
from sparsecode.encoders._unrolled import Unrolled
from sparsecode.losses import LassoLoss
from sparsecode.penalties import L1

NETWORKS = [encoders.LISTA(), LISTACP(), LISTASS(), TiLISTA(), ALISTA(), SLISTA()]


@pytest.fixture(scope="module")
def dictionary():
    start = Dictionary.random(12, 8, random_state=0)
    return Dictionary(start.atoms, 0.1 * np.arange(8.0))


@pytest.fixture(scope="module")
def X(dictionary):
    signals = make_sparse_signals(300, n_nonzero=2, dictionary=dictionary, random_state=0)
    return signals.X + dictionary.offset


def fitted(encoder, dictionary, X, samples=1.0, atoms=1.0, **options):
    if hasattr(encoder, "n_layers"):
        options.setdefault("n_layers", 3)
    scaled = Dictionary(atoms * dictionary.atoms, samples * dictionary.offset)
    settings = {"alpha": 0.05 * samples * atoms, "n_epochs": 2, "random_state": 0}
    model = LISTA(dictionary=scaled, encoder=encoder, **{**settings, **options})
    return model.fit(samples * X)


@pytest.mark.parametrize("encoder", [*NETWORKS, PSD()], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("loss", ["unsupervised", "supervised"])
def test_training_is_the_same_in_all_units(encoder, loss, dictionary, X):
    plain = fitted(encoder, dictionary, X, loss=loss)
    codes = plain.transform(X)
    assert codes.any()
    for samples, atoms in ((1e-4, 1.0), (1e3, 1e-2), (1e-2, 30.0)):
        model = fitted(encoder, dictionary, X, samples, atoms, loss=loss)
        found = model.transform(samples * X) * atoms / samples
        np.testing.assert_allclose(found, codes, rtol=1e-6, atol=1e-6)
        assert model.score(samples * X) == pytest.approx(samples**2 * plain.score(X), rel=1e-6)
        factor = (samples / atoms) ** 2 if loss == "supervised" else samples**2
        expected = factor * np.array(plain.history_["loss"])
        np.testing.assert_allclose(model.history_["loss"], expected, rtol=1e-6)


@pytest.mark.parametrize("encoder", [ReLU(), MLP(hidden=(10,))])
def test_encoders_of_autoencoders_scale_with_the_samples(encoder, dictionary, X):
    plain, small = (fitted(encoder, dictionary, X, samples) for samples in (1.0, 1e-3))
    np.testing.assert_allclose(small.transform(1e-3 * X) * 1e3, plain.transform(X), rtol=1e-6)


def test_it_goes_on_in_the_same_units(dictionary, X):
    plain, small = (fitted(LISTACP(), dictionary, X, samples) for samples in (1.0, 1e-3))
    for model, samples in ((plain, 1.0), (small, 1e-3)):
        model.partial_fit(samples * X[:100])
    np.testing.assert_allclose(small.transform(1e-3 * X) * 1e3, plain.transform(X), rtol=1e-6)
    # Learned atoms keep their norm, samples and offset are scaled.
    models = [
        fitted(LISTACP(), dictionary, X, samples, learn_dictionary=True) for samples in (1.0, 1e-3)
    ]
    offsets = [model.dictionary_.offset for model in models]
    np.testing.assert_allclose(1e3 * offsets[1], offsets[0], rtol=1e-6)
    np.testing.assert_allclose(models[0].components_, models[1].components_, rtol=1e-6)


def test_history_is_in_the_units_of_the_samples(dictionary, X):
    model = fitted(LISTACP(), dictionary, X, 1e-2, loss=LassoLoss(L1(5e-4)), n_epochs=30)
    assert model.history_["loss"][-1] == pytest.approx(-model.score(1e-2 * X), rel=0.02)


def test_what_is_not_known_to_scale_is_trained_as_it_is(dictionary, X):
    class Own(LassoLoss):
        pass

    assert fitted(LISTACP(), dictionary, X, loss=Own(L1(0.05))).input_scale_ == 1


def test_all_networks_tell_their_units(dictionary):
    named = [getattr(encoders, name) for name in encoders.__all__]
    for cls in named:
        if isinstance(cls, type) and issubclass(cls, Unrolled | PSD):
            encoder = cls()
            params = encoder.init(dictionary, random_state=0)
            assert reads_atoms_in_units(encoder)
            assert encoder.parameter_kinds.keys() == params.keys()
            back = encoder.bind(params_in_units(encoder.bind(params), 7.0, 3.0))
            for name, array in params_in_units(back, 1 / 7, 1 / 3).items():
                np.testing.assert_allclose(array, params[name], rtol=1e-12)
