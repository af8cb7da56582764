"""Coupled weights are a case of free ones."""

import numpy as np
import pytest

from sparsecode.encoders import LISTA, LISTACP, LISTACPSS, LISTASS
from sparsecode.penalties import L1


@pytest.mark.parametrize(
    ("coupled", "free"),
    [
        (LISTACP(L1(0.1), n_layers=4), LISTA(L1(0.1), n_layers=4, per_atom=False)),
        (
            LISTACPSS(L1(0.1), n_layers=4, p=10.0),
            LISTASS(L1(0.1), n_layers=4, p=10.0, per_atom=False),
        ),
    ],
    ids=["soft", "selection"],
)
def test_is_lista_with_coupled_weights(X, frame, rng, coupled, free):
    """With S = I - D W: the same codes, and gradients by the chain rule."""
    params = coupled.init(frame)
    params["W"] *= 1 + 0.2 * rng.standard_normal(params["W"].shape)
    same = {**params, "S": np.eye(9) - frame @ params["W"]}
    codes, cache = coupled.forward(params, X, frame)
    expected, other = free.forward(same, X, frame)
    np.testing.assert_allclose(codes, expected, atol=1e-12)
    dcodes = rng.standard_normal(codes.shape)
    grads = coupled.backward(dcodes, cache, with_dictionary=True)
    chain = free.backward(dcodes, other)
    np.testing.assert_allclose(grads["theta"], chain["theta"], atol=1e-10)
    np.testing.assert_allclose(grads["W"], chain["W"] - frame.T @ chain["S"], atol=1e-10)
    atoms = -np.einsum("tij,tkj->ik", chain["S"], params["W"])
    np.testing.assert_allclose(grads["atoms"], atoms, atol=1e-10)


def test_gradients_of_the_dictionary_only_on_request(X, frame):
    encoder = LISTACP(L1(0.1), n_layers=2)
    codes, cache = encoder.forward(encoder.init(frame), X, frame)
    assert encoder.backward(codes, cache).keys() == {"W", "theta"}
    assert encoder.backward(codes, cache, with_dictionary=True).keys() == {"W", "theta", "atoms"}


def test_layers_that_were_not_run_have_no_gradient(X, frame):
    encoder = LISTACP(L1(0.1), n_layers=3)
    params = encoder.init(frame)
    codes, cache = encoder.forward(params, X, frame)
    full = encoder.backward(codes, cache)
    codes, cache = encoder.forward(params, X, frame, n_layers=1)
    grads = encoder.backward(codes, cache, out=full)
    assert grads["W"] is full["W"]
    for array in grads.values():
        assert (array[0] != 0).any() and (array[1:] == 0).all()
