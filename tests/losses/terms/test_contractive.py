"""The norm of the Jacobian: against the Jacobian itself, and its gradients."""

import numpy as np
import pytest

import sparsecode.encoders
from sparsecode import Dictionary
from sparsecode.constraints import Free
from sparsecode.encoders import TopK
from sparsecode.encoders._linear import SLOPE_SIGNALS, LinearEncoder
from sparsecode.losses import AutoencoderLoss, Contractive, LossContext
from sparsecode.optimizers import Adam
from sparsecode.testing import gradcheck
from sparsecode.training import train


class Logistic(LinearEncoder):
    """A smooth activation, whose second derivative matters."""

    signal_names = SLOPE_SIGNALS

    def _activate(self, A, params):
        A[...] = 1 / (1 + np.exp(-A))

    def _derive(self, dcodes, codes, params):
        return dcodes * codes * (1 - codes)

    def _curvature(self, codes, params):
        return codes * (1 - codes) * (1 - 2 * codes)


def _tells_slopes(kind):
    names = getattr(kind, "signal_names", ())
    # Those around another encoder have its signals.
    return isinstance(kind, type) and isinstance(names, tuple) and "slope" in names


KINDS = [
    kind
    for kind in map(sparsecode.encoders.__dict__.get, sparsecode.encoders.__all__)
    if _tells_slopes(kind)
]


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((6, 3)), rng.standard_normal(3), Free())
    return rng.standard_normal((5, 3)), dictionary


def evaluate(encoder, params, X, dictionary, weight=None):
    loss = AutoencoderLoss([Contractive(0.3)])
    codes, cache = encoder.forward(params, X, dictionary, signals=loss.needs)
    context = LossContext(signals=cache.signals)
    options = {"sample_weight": weight, "dictionary_grads": True, "context": context}
    return loss.evaluate(X, dictionary, codes, **options), cache


@pytest.mark.parametrize("kind", [Logistic, *KINDS])
def test_value_is_the_squared_norm_of_the_jacobian(problem, kind):
    (X, dictionary), encoder = problem, kind()
    params, step = encoder.init(dictionary), 1e-6
    found = evaluate(encoder, params, X, dictionary)[0].terms["contractive"]
    squares = 0.0
    for f in range(3):
        move = step * np.eye(3)[f]
        above, below = (encoder.forward(params, x, dictionary)[0] for x in (X + move, X - move))
        squares += (((above - below) / (2 * step)) ** 2).sum(axis=1).mean()
    assert found == pytest.approx(0.3 * squares, rel=1e-6)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("kind", [Logistic, *KINDS])
def test_gradients(problem, rng, kind, tied, weighted):
    X, dictionary = problem
    encoder = kind(tied=tied)
    params = {
        name: a + 0.2 * rng.normal(size=a.shape) for name, a in encoder.init(dictionary).items()
    }
    weight = np.array([0.5, 2.0, 1.0, 0.0, 1.5]) if weighted else None

    def result(atoms, offset, *arrays):
        given = Dictionary(atoms, offset, Free())
        return evaluate(encoder, dict(zip(params, arrays, strict=True)), X, given, weight)

    def backward(upstream, *arrays):
        found, cache = result(*arrays)
        grads = encoder.backward(found.dcodes, cache, with_dictionary=True, dsignals=found.dsignals)
        atoms = np.asarray(found.grads["atoms"])
        atoms = atoms + np.asarray(grads["atoms"]) if tied else atoms
        offset = found.grads["offset"] + grads["offset"]
        return [upstream * np.asarray(g) for g in (atoms, offset, *(grads[n] for n in params))]

    arrays = dictionary.atoms, dictionary.offset, *params.values()
    assert gradcheck(lambda *a: result(*a)[0].value, backward, *arrays) < 1e-6


def test_training_makes_the_codes_less_sensitive(problem, rng):
    dictionary, X, values = problem[1], rng.standard_normal((200, 3)), []
    for weight in (0.0, 5.0):
        encoder = Logistic()
        loss = AutoencoderLoss([Contractive(weight)])
        options = {"optimizer": Adam(0.02), "batch_size": 20, "n_epochs": 30, "random_state": 0}
        *_, last = train(encoder, dictionary, X, loss=loss, **options)
        found = evaluate(encoder, last.params, X, dictionary)[0]
        values.append(found.terms["contractive"])
    assert values[1] < values[0] / 2


def test_an_encoder_without_slopes_is_refused(problem):
    X, dictionary = problem
    with pytest.raises(ValueError, match="signal of TopK is 'slope'"):
        list(train(TopK(k=1), dictionary, X, loss=AutoencoderLoss([Contractive()])))
