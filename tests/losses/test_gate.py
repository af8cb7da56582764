"""Terms of the gate: by definition, and their gradients with the decoder held."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.encoders import Gated
from sparsecode.losses import AutoencoderLoss, GateReconstruction, GateSparsity, LossContext
from sparsecode.testing import gradcheck

WEIGHT = np.array([0.5, 2.0, 0.0, 1.0])
LOSS = AutoencoderLoss([GateSparsity(0.4), GateReconstruction(0.7)])


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((6, 3)), rng.standard_normal(3))
    return rng.standard_normal((4, 3)), dictionary


def evaluate(X, dictionary, codes, gate, loss=LOSS):
    context = LossContext(signals={"gate": gate})
    return loss.evaluate(
        X, dictionary, codes, sample_weight=WEIGHT, dictionary_grads=True, context=context
    )


def test_terms_by_their_definition(problem, rng):
    X, dictionary = problem
    gate, codes = rng.standard_normal((4, 6)), rng.uniform(size=(4, 6))
    terms = evaluate(X, dictionary, codes, gate).terms
    positive, share = np.maximum(gate, 0), WEIGHT / WEIGHT.sum()
    assert terms["gatesparsity"] == pytest.approx(0.4 * positive.sum(axis=1) @ share)
    error = X - dictionary.decode(positive)
    expected = 0.7 / 2 * (error**2).sum(axis=1) @ share
    assert terms["gatereconstruction"] == pytest.approx(expected)


def test_the_decoder_gets_nothing(problem, rng):
    X, dictionary = problem
    gate, codes = rng.standard_normal((4, 6)), rng.uniform(size=(4, 6))
    with_terms = evaluate(X, dictionary, codes, gate).grads
    without = evaluate(X, dictionary, codes, gate, AutoencoderLoss()).grads
    for name in ("atoms", "offset"):
        np.testing.assert_array_equal(np.asarray(with_terms[name]), np.asarray(without[name]))


@pytest.mark.parametrize("tied", [False, True])
def test_gradients_with_the_decoder_held(problem, rng, tied):
    """Three contributions to the weights: size, sparsity of the gate, reconstruction from it."""
    X, dictionary = problem
    encoder = Gated(tied=tied)
    start = encoder.init(dictionary)
    params = {name: a + 0.3 * rng.standard_normal(a.shape) for name, a in start.items()}
    names = list(params)

    def judge(atoms, offset, *arrays):
        given = dict(zip(names, arrays, strict=True))
        read = Dictionary(atoms, offset)
        codes, cache = encoder.forward(given, X, read, signals=LOSS.needs)
        # The decoder of the codes stays that of the problem, as that of the gate does.
        return evaluate(X, dictionary, codes, cache.signals["gate"]), cache

    def backward(upstream, *arrays):
        result, cache = judge(*arrays)
        grads = encoder.backward(
            result.dcodes, cache, with_dictionary=True, dsignals=result.dsignals
        )
        atoms = grads.get("atoms", np.zeros_like(arrays[0]))
        found = (atoms, grads["offset"], *(grads[n] for n in names))
        return [upstream * np.asarray(g) for g in found]

    arrays = (dictionary.atoms, dictionary.offset, *params.values())
    assert gradcheck(lambda *a: judge(*a)[0].value, backward, *arrays) < 1e-6
