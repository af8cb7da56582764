"""Gated: two decisions from one product, and what trains the gate."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.encoders import Gated, ReLU
from sparsecode.losses import AutoencoderLoss, GateReconstruction, GateSparsity
from sparsecode.optimizers import Adam
from sparsecode.testing import gradcheck
from sparsecode.training import train


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((7, 4)), rng.standard_normal(4))
    params = Gated().init(dictionary)
    params = {name: a + 0.3 * rng.standard_normal(a.shape) for name, a in params.items()}
    return rng.standard_normal((9, 4)) + dictionary.offset, dictionary, params


def test_codes_by_their_formula(problem):
    X, dictionary, params = problem
    u = dictionary.center(X) @ params["W"].T
    gate, size = u + params["b_gate"], u * np.exp(params["r_mag"]) + params["b_mag"]
    expected = (gate > 0) * np.maximum(size, 0)
    # Somewhere the two disagree, in both ways.
    assert ((gate > 0) & (size < 0)).any() and ((gate < 0) & (size > 0)).any()
    codes, cache = Gated().forward(params, X, dictionary, signals=("gate",))
    np.testing.assert_allclose(codes, expected, rtol=1e-12)
    np.testing.assert_allclose(cache.signals["gate"], gate, rtol=1e-12)


def test_starts_as_relu(problem):
    X, dictionary, _ = problem
    expected = ReLU().encode(X, dictionary)
    np.testing.assert_array_equal(Gated().encode(X, dictionary), expected)
    started = Gated(initial_bias=0.5).init(dictionary)
    assert (started["b_gate"] == 0.5).all() and not started["b_mag"].any()


@pytest.mark.parametrize("tied", [False, True])
def test_gradients_through_codes_and_gate(problem, rng, tied):
    X, dictionary, params = problem
    if tied:
        del params["W"]
    encoder, weights, names = Gated(tied=tied), rng.standard_normal((9, 7)), list(params)

    def forward(atoms, offset, *arrays):
        given = dict(zip(names, arrays, strict=True))
        return encoder.forward(given, X, Dictionary(atoms, offset), signals=("gate",))

    def function(*arrays):
        codes, cache = forward(*arrays)
        return codes + weights * cache.signals["gate"] ** 2

    def backward(upstream, *arrays):
        _, cache = forward(*arrays)
        dgate = 2 * upstream * weights * cache.signals["gate"]
        grads = encoder.backward(upstream, cache, with_dictionary=True, dsignals={"gate": dgate})
        atoms = grads.get("atoms", np.zeros_like(arrays[0]))
        return [np.asarray(g) for g in (atoms, grads["offset"], *(grads[n] for n in names))]

    gradcheck(function, backward, dictionary.atoms, dictionary.offset, *params.values())


def test_without_its_terms_the_gate_gets_no_gradient(problem):
    X, dictionary, params = problem
    codes, cache = Gated().forward(params, X, dictionary)
    assert not Gated().backward(np.ones_like(codes), cache)["b_gate"].any()


@pytest.mark.needs_jit("hundreds of steps")
def test_training_makes_codes_sparse_without_shrinking_them(rng):
    atoms = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    truth = (rng.random((500, 8)) < 0.25) * rng.uniform(1.0, 2.0, (500, 8))
    X = truth @ atoms
    options = {"n_epochs": 100, "batch_size": 100, "random_state": 0, "optimizer": Adam(5e-3)}
    terms = [GateSparsity(0.3), GateReconstruction()]
    *_, last = train(Gated(), Dictionary(atoms), X, loss=AutoencoderLoss(terms), **options)
    codes = Gated().bind(last.params).encode(X, Dictionary(atoms))
    assert ((codes > 0) == (truth > 0)).mean() > 0.99
    kept = (truth > 0) & (codes > 0)
    # An l1 penalty of the codes would take 0.3 of each, and 0.2 of their mean.
    assert (codes[kept] / truth[kept]).mean() == pytest.approx(1.0, abs=0.05)
