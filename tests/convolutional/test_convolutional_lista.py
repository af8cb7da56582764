"""The convolutional network: gradients, ISTA before training, and what training gains."""

import numpy as np
import pytest
from planted import planted

from sparsecode import alpha_max, certify
from sparsecode.convolutional import ConvolutionalDictionary, ConvolutionalLISTA, LocallyGreedy
from sparsecode.convolutional._layers import lasso
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1
from sparsecode.testing import gradcheck

CASES = [((30,), (5,), 2), ((9, 8), (3, 2), 1)]
cases = pytest.mark.parametrize(("shape", "support", "n_channels"), CASES)
PENALTIES = [L1(0.5), L1(0.3, positive=True), L1(0.4, weights=[1, 2, np.inf])]
penalties = pytest.mark.parametrize("penalty", PENALTIES, ids=["l1", "positive", "weights"])


def problem(shape, support, n_channels, dtype=np.float64):
    dictionary = ConvolutionalDictionary.random(
        3, support, n_channels=n_channels, random_state=0, dtype=dtype
    )
    X = np.random.default_rng(0).standard_normal((2, n_channels, *shape)).astype(dtype)
    return X, dictionary


def planes(X):
    return list(X if X.ndim == 4 else X[..., None])


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("penalty", PENALTIES[:2], ids=["l1", "positive"])
@cases
def test_gradients(shape, support, n_channels, penalty, tied):
    X, dictionary = problem(shape, support, n_channels)
    network = ConvolutionalLISTA(penalty, n_layers=3, tied=tied)
    rng = np.random.default_rng(1)
    first = network.init(dictionary)
    params = [first[name] * rng.uniform(0.8, 1.2, first[name].shape) for name in first]

    def value_and_gradients(*arrays):
        named = dict(zip(first, arrays, strict=True))
        return network._loss_and_gradients(planes(X), named, dictionary)

    def backward(upstream, *arrays):
        _, grads = value_and_gradients(*arrays)
        return tuple(upstream * grads[name] for name in first)

    assert gradcheck(lambda *arrays: value_and_gradients(*arrays)[0], backward, *params) < 1e-6


@penalties
@cases
def test_the_loss_is_what_the_judge_says(shape, support, n_channels, penalty):
    X, dictionary = problem(shape, support, n_channels)
    codes = ConvolutionalLISTA(penalty, n_layers=4).encode(X, dictionary)
    expected = certify(X, codes, dictionary, penalty).objective
    thresholds = penalty.thresholds(3)
    pairs = zip(planes(X), planes(codes), strict=True)
    values = [lasso(x, z, dictionary, thresholds)[0] for x, z in pairs]
    np.testing.assert_allclose(values, expected)


@penalties
@cases
def test_before_training_layers_are_steps_of_ista(shape, support, n_channels, penalty):
    X, dictionary = problem(shape, support, n_channels)
    network = ConvolutionalLISTA(penalty, n_layers=3)
    matrix, L = dictionary.matrix(shape).atoms, dictionary.lipschitz
    sizes = np.repeat(penalty.thresholds(3), len(matrix) // 3) / L
    z, flat = np.zeros((2, len(matrix))), X.reshape(2, -1)
    for n_layers in range(1, 4):
        moved = z + (flat - z @ matrix) @ matrix.T / L
        z = np.maximum(moved - sizes, 0)
        if not penalty.positive:
            z += np.minimum(moved + sizes, 0)
        codes = network.encode(X, dictionary, n_layers=n_layers)
        np.testing.assert_allclose(codes.reshape(2, -1), z, atol=1e-12)
    report = network.layer_report(X, dictionary)
    np.testing.assert_array_equal(report.objective, report.ista)
    assert (report.excess >= -report.gap).all() and (np.diff(report.excess) <= 0).all()


@pytest.mark.parametrize("tied", [False, True])
def test_training_comes_nearer_to_exact_codes(tied):
    X, dictionary = planted(0, (800,), (12,))
    penalty = L1(0.1 * alpha_max(X, dictionary))
    network = ConvolutionalLISTA(penalty, n_layers=4, tied=tied)
    assert network.params is None
    trained = network.train(
        X[:1], dictionary, optimizer=Adam(lr=3e-3), n_steps=80, batch_size=2, crop=150,
        random_state=0,
    )  # fmt: skip
    assert trained is network
    report = network.layer_report(X[1:], dictionary)
    assert report.excess[-1] < 0.6 * report.ista_excess[-1]
    certificate = certify(X[1:], network.encode(X[1:], dictionary), dictionary, penalty)
    np.testing.assert_allclose(certificate.objective.sum(), report.objective[-1])
    exact = LocallyGreedy(tol=1e-6).solve(X[1:], dictionary, penalty).certificate
    np.testing.assert_allclose(report.optimum, exact.objective.sum())
    assert "layer 4" in repr(report) and "ISTA" in repr(report)


def test_training_of_images_is_repeatable():
    X, dictionary = problem((20, 18), (4, 4), 2)
    first, second = (
        ConvolutionalLISTA(L1(0.5), n_layers=2).train(
            X, dictionary, n_steps=3, crop=(10, 12), random_state=0, optimizer=SGD(lr=1e-4)
        )
        for _ in range(2)
    )
    for name, array in first.params.items():
        np.testing.assert_array_equal(array, second.params[name])
        assert (array != first.init(dictionary)[name]).any()


def test_ctrl_c_keeps_the_last_step(monkeypatch):
    X, dictionary = problem((30,), (5,), 2)
    network, calls = ConvolutionalLISTA(L1(0.5), n_layers=2), []

    def told():
        calls.append(None)
        if len(calls) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("sparsecode.convolutional.lista.halt_if_told", told)
    with pytest.raises(KeyboardInterrupt):
        network.train(X, dictionary, random_state=0)
    monkeypatch.undo()
    other = ConvolutionalLISTA(L1(0.5), n_layers=2).train(X, dictionary, n_steps=3, random_state=0)
    for name, array in network.params.items():
        np.testing.assert_array_equal(array, other.params[name])


def test_float32_stays_and_nothing_is_written_to():
    X, dictionary = problem((30,), (5,), 2, np.float32)
    before = X.copy()
    network = ConvolutionalLISTA(L1(0.5), n_layers=2).train(X, dictionary, n_steps=2)
    given = {name: array.copy() for name, array in network.params.items()}
    again = ConvolutionalLISTA(L1(0.5), n_layers=2, params=given)
    assert again.encode(X, dictionary).dtype == np.float32
    again.train(X, dictionary, n_steps=2)
    for name, array in network.params.items():
        np.testing.assert_array_equal(given[name], array)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": np.ones((1, 1, 4))}, ValueError, "at least the size of an atom"),
        ({"X": [np.ones(20), np.ones(21)]}, ValueError, "signals of several sizes"),
        ({"X": [[np.nan] * 20]}, ValueError, "number of NaN in signal 0 of X is 20"),
        ({"crop": 4}, ValueError, r"crop is \(4,\).*from \(5,\) of an atom to \(20,\)"),
        ({"crop": 21}, ValueError, "of a signal"),
        ({"crop": (5, 5)}, ValueError, "1 sizes"),
        ({"optimizer": LBFGS()}, ValueError, "optimizer is LBFGS.*takes steps"),
        ({"optimizer": "adam"}, TypeError, "an Optimizer or None"),
        ({"n_steps": 0}, ValueError, "n_steps"),
        ({"batch_size": 0}, ValueError, "batch_size"),
    ],
)
def test_wrong_arguments_of_training(change, error, message):
    given = {"X": np.ones((1, 1, 20)), "dictionary": np.ones((2, 1, 5))}
    with pytest.raises(error, match=message):
        ConvolutionalLISTA(L1(0.5)).train(**(given | change))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"penalty": L1(0.0)}, ValueError, "above 0 for every atom"),
        ({"penalty": 0.5}, TypeError, "expected an L1 penalty"),
        ({"n_layers": 0}, ValueError, "n_layers"),
        ({"tied": 1}, ValueError, "tied"),
        ({"params": {"W": np.ones((8, 2, 1, 5, 1))}}, ValueError, r"params\['D'\] is missing"),
        ({"params": {"W": np.ones(3)}}, ValueError, r"params\['W'\] is shape \(3,\)"),
    ],
)
def test_wrong_networks(given, error, message):
    with pytest.raises(error, match=message):
        ConvolutionalLISTA(**given).encode(np.ones((1, 1, 20)), np.ones((2, 1, 5)))


def test_training_that_diverges():
    X = np.random.default_rng(0).standard_normal((3, 1, 40))
    network = ConvolutionalLISTA(L1(0.3), n_layers=3)
    with pytest.raises(FloatingPointError, match="diverged in step"):
        network.train(1e3 * X, np.ones((2, 1, 5)), n_steps=30, optimizer=SGD(lr=1e6))
    assert all(np.isfinite(array).all() for array in network.params.values())
    network.params["theta"][:] = np.nan
    with pytest.raises(ValueError, match="params\\['theta'\\] is an array with NaN"):
        network.encode(X, np.ones((2, 1, 5)))


def test_a_report_of_zero_signals():
    report = ConvolutionalLISTA(L1(0.3), n_layers=2).layer_report(
        np.zeros((1, 1, 20)), np.ones((2, 1, 5))
    )
    np.testing.assert_array_equal(report.excess, 0)
