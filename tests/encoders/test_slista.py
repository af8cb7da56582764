"""Learned steps are steps of proximal gradient descent."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.encoders import SLISTA
from sparsecode.objective import certify
from sparsecode.penalties import L1


@pytest.mark.parametrize("n_components", [9, 13])
@pytest.mark.parametrize("positive", [False, True])
def test_is_proximal_gradient_with_these_steps(X, rng, positive, n_components):
    """With and without the Gram matrix, which costs less only for few atoms."""
    atoms = rng.standard_normal((n_components, 6))
    penalty = L1(0.3, rng.uniform(0.5, 2, n_components), positive)
    steps = rng.uniform(0.01, 0.1, 4)
    expected = np.zeros((len(X), n_components))
    for step in steps:
        expected = penalty.prox(expected + step * (X - expected @ atoms) @ atoms.T, step)
    codes = SLISTA(penalty, n_layers=4).bind({"step": steps}).encode(X, atoms)
    np.testing.assert_allclose(codes, expected, atol=1e-12)


def test_objective_falls_with_each_layer(X, frame):
    dictionary, penalty = Dictionary(frame), L1(0.1)
    encoder = SLISTA(penalty, n_layers=8)
    objectives = [
        certify(X, encoder.encode(X, dictionary, n_layers=k), dictionary, penalty).objective
        for k in range(1, 9)
    ]
    assert (np.diff(objectives, axis=0) <= 1e-12).all()


def test_a_step_of_training_lowers_the_objective(X, frame):
    """The gradient of the mean objective, through the codes, points uphill."""
    dictionary, penalty = Dictionary(frame), L1(0.1)
    encoder = SLISTA(penalty, n_layers=5)
    params = encoder.init(dictionary)
    codes, cache = encoder.forward(params, X, dictionary)
    before = certify(X, codes, dictionary, penalty).objective.sum()
    dcodes = penalty.grad(codes) - (X - codes @ frame) @ frame.T
    (grad,) = encoder.backward(dcodes, cache).values()
    better = {"step": params["step"] - 1e-3 * grad / np.linalg.norm(grad)}
    after = certify(X, encoder.bind(better).encode(X, dictionary), dictionary, penalty)
    assert after.objective.sum() < before - 0.5e-3 * np.linalg.norm(grad)
