"""LISTA is the network of the paper; weights shared or not, selected support or not."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.encoders import LISTA, LISTASS
from sparsecode.penalties import L1


def moved(encoder, dictionary, rng):
    params = encoder.init(dictionary)
    return {name: a * (1 + 0.2 * rng.standard_normal(a.shape)) for name, a in params.items()}


@pytest.mark.parametrize("positive", [False, True])
def test_is_the_network_of_the_paper(X, frame, rng, positive):
    dictionary = Dictionary(frame, rng.standard_normal(6))
    encoder = LISTA(L1(0.1, positive=positive), n_layers=4)
    params = moved(encoder, dictionary, rng)
    expected = np.zeros((len(X), 9))
    for W, S, theta in zip(params["W"], params["S"], params["theta"], strict=True):
        v = (X - dictionary.offset) @ W + expected @ S
        signs = np.where(v > 0, 1, 0 if positive else -1)
        expected = signs * np.maximum(np.abs(v) - theta, 0)
    codes = encoder.bind(params).encode(X, dictionary)
    np.testing.assert_allclose(codes, expected, atol=1e-12)
    assert not positive or (codes >= 0).all()


def test_shared_weights_are_equal_weights(X, frame, rng):
    """Codes of a tied network are those of one with equal layers; its gradients are their sums."""
    tied, free = LISTA(L1(0.1), n_layers=4, tied=True), LISTA(L1(0.1), n_layers=4)
    shared = moved(tied, Dictionary(frame), rng)
    equal = {name: np.repeat(array, 4, axis=0) for name, array in shared.items()}
    codes, cache = tied.forward(shared, X, frame)
    expected, other = free.forward(equal, X, frame)
    np.testing.assert_allclose(codes, expected, atol=1e-12)
    dcodes = rng.standard_normal(codes.shape)
    grads, separate = tied.backward(dcodes, cache), free.backward(dcodes, other)
    for name in grads:
        np.testing.assert_allclose(grads[name][0], separate[name].sum(axis=0), atol=1e-10)


def test_orthonormal_atoms_need_one_layer(rng):
    atoms = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    X, penalty = rng.standard_normal((5, 6)), L1(0.3, rng.uniform(0.5, 2, 6))
    codes = LISTA(penalty, n_layers=1).encode(X, atoms)
    np.testing.assert_allclose(codes, penalty.prox(X @ atoms.T), atol=1e-5)


def test_order_of_the_atoms(X, frame, rng):
    order = rng.permutation(9)
    penalty = L1(0.1, rng.uniform(0.5, 2, 9))
    shuffled = L1(0.1, penalty.weights[order])
    codes = LISTA(penalty, n_layers=5, per_atom=False).encode(X, frame)
    again = LISTA(shuffled, n_layers=5, per_atom=False).encode(X, frame[order])
    np.testing.assert_allclose(again, codes[:, order], atol=1e-12)


def test_share_of_selected_entries_grows():
    encoder = LISTASS(n_layers=16, p=1.2, p_max=13.0)
    counts = encoder._counts(500)
    assert counts[:3] == (6, 12, 18)
    assert counts[9] == 60 and counts[10:] == (65,) * 6
    assert LISTASS(p=0.0)._counts(500) == ()


def test_selected_entries_are_not_shrunk(X, frame):
    """One layer on atoms with S unused: the largest pass, the others are soft thresholded."""
    soft = LISTA(L1(0.1), n_layers=1).encode(X, frame)
    none = LISTA(L1(0.0), n_layers=1).encode(X, frame)
    codes = LISTASS(L1(0.1), n_layers=1, p=100 / 3, p_max=100.0).encode(X, frame)
    rank = np.argsort(np.argsort(-np.abs(none), axis=1), axis=1)
    expected = np.where((rank < 3) & (soft != 0), none, soft)
    np.testing.assert_allclose(codes, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (LISTA(n_layers=0), "n_layers"),
        (LISTA(tied=1), "tied"),
        (LISTA(per_atom=None), "per_atom"),
        (LISTASS(p=-1.0), "p is -1"),
        (LISTASS(p_max=101.0), "p_max"),
        (LISTA(L1(-1.0)), "alpha"),
        (LISTA(L1(1.0, [1.0] * 8 + [np.inf])), "weights of the L1 of LISTA is infinite"),
    ],
)
def test_bad_settings(X, frame, encoder, message):
    with pytest.raises(ValueError, match=message):
        encoder.encode(X, frame)
    with pytest.raises(ValueError, match=message):
        encoder.init(frame)
