"""What all trainable encoders share: parameters, batches of any kind, values that compare."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from sparsecode import Dictionary
from sparsecode.encoders import LISTA, SLISTA, TrainableEncoder
from sparsecode.learning import alternate
from sparsecode.objective import certify
from sparsecode.penalties import L1, Cauchy
from sparsecode.updates import BlockUpdate


def test_params_decide_whether_encoders_are_equal(frame):
    encoder = LISTA(L1(0.1, np.ones(9)), n_layers=2)
    params = encoder.init(frame)
    copies = {name: array.copy() for name, array in params.items()}
    assert encoder.bind(params) == encoder.bind(copies) == clone(encoder.bind(params))
    assert pickle.loads(pickle.dumps(encoder.bind(params))) == encoder.bind(params)
    copies["theta"][0, 0] += 1
    assert encoder.bind(params) != encoder.bind(copies)
    assert encoder != LISTA(L1(0.1, np.full(9, 2.0)), n_layers=2)
    assert encoder != SLISTA(encoder.penalty, n_layers=2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(encoder)


def test_repr_leaves_out_the_arrays(frame):
    encoder = SLISTA(L1(0.1), n_layers=2)
    assert repr(encoder.bind(encoder.init(frame))) == repr(encoder)


def test_params_are_trained_in_place(X, frame):
    """A bound encoder follows its parameters, which it does not copy."""
    encoder = SLISTA(L1(0.1), n_layers=2)
    params = encoder.init(frame)
    bound = encoder.bind(params)
    before = bound.encode(X, frame)
    params["step"] *= 0.5
    assert not np.allclose(bound.encode(X, frame), before)


def test_batches_of_any_kind(X, frame, tmp_path):
    encoder = LISTA(L1(0.1), n_layers=2)
    params = encoder.init(frame)
    expected, _ = encoder.forward(params, X, frame)
    np.testing.assert_array_equal(encoder.forward(params, sparse.csr_array(X), frame)[0], expected)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(encoder.encode(mapped, frame), encoder.encode(X, frame))


def test_errors_name_the_encoder_and_what_is_wrong(X, frame):
    encoder = LISTA(L1(0.1), n_layers=2)
    params = encoder.init(frame)
    with pytest.raises(ValueError, match=r"params of SLISTA has the entries \['S', 'W', 'theta'\]"):
        SLISTA(L1(0.1), n_layers=2).bind(params).encode(X, frame)
    message = r"params\['W'\] of LISTA has shape \(2, 6, 9\); expected \(3, 6, 9\)"
    with pytest.raises(ValueError, match=message):
        LISTA(L1(0.1), n_layers=3).bind(params).encode(X, frame)
    with pytest.raises(TypeError, match="LISTA needs an l1 penalty; got Cauchy"):
        LISTA(Cauchy(0.1)).init(frame)
    with pytest.raises(TypeError, match="penalty"):
        LISTA("l1").init(frame)
    codes, cache = encoder.forward(params, X, Dictionary(frame))
    with pytest.raises(ValueError, match="dcodes is an array of shape"):
        encoder.backward(codes[:1], cache)


def test_a_dictionary_is_learned_with_an_amortized_encoder(rng):
    """In the loop of exact solvers: one word is swapped."""
    truth = Dictionary.random(12, 8, random_state=0)
    X = (rng.random((200, 12)) < 0.2) * rng.standard_normal((200, 12)) @ truth.atoms
    start = Dictionary.random(12, 8, random_state=1)
    encoder = SLISTA(L1(0.1), n_layers=20)
    states = list(alternate(encoder, start, [X] * 5, update=BlockUpdate()))
    learned = states[-1].dictionary
    before, after = (
        certify(X, encoder.encode(X, d), d, encoder.penalty).objective.mean()
        for d in (start, learned)
    )
    assert after < 0.9 * before


def test_the_base_is_a_component():
    assert clone(TrainableEncoder()) == TrainableEncoder()
