"""The convolutional network: gradients, steps of ISTA, missing entries, sizes, threads."""

import numpy as np
import pytest

from sparsecode import certify
from sparsecode.convolutional import ConvolutionalDictionary, ConvolutionalLISTA
from sparsecode.convolutional._layers import Signal, lasso
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


def with_gaps(X):
    """Signals of which every fifth entry is missing, and where they are observed."""
    gone = np.random.default_rng(2).random(X.shape) < 0.2
    return np.where(gone, np.nan, X), gone


def pairs(X):
    gone = np.isnan(X)
    return [Signal(*pair) for pair in zip(planes(np.where(gone, 0, X)), planes(~gone), strict=True)]


@pytest.mark.parametrize(
    ("penalty", "tied", "gaps"),
    [(PENALTIES[0], False, True), (PENALTIES[1], True, True), (PENALTIES[1], False, False)],
    ids=["gaps", "tied-positive-gaps", "positive"],
)
@cases
def test_gradients(shape, support, n_channels, penalty, tied, gaps):
    X, dictionary = problem(shape, support, n_channels)
    signals = pairs(with_gaps(X)[0] if gaps else X)
    network = ConvolutionalLISTA(penalty, n_layers=2, tied=tied)._network(dictionary)
    rng = np.random.default_rng(1)
    first = network.first()
    params = [first[name] * rng.uniform(0.8, 1.2, first[name].shape) for name in first]

    def value_and_gradients(*arrays):
        named = dict(zip(first, arrays, strict=True))
        return network.loss_and_gradients(signals, named)

    def backward(upstream, *arrays):
        _, grads = value_and_gradients(*arrays)
        return tuple(upstream * grads[name] for name in first)

    assert gradcheck(lambda *arrays: value_and_gradients(*arrays)[0], backward, *params) < 1e-6


@pytest.mark.parametrize("gaps", [False, True])
@penalties
@cases
def test_the_loss_is_what_the_judge_says(shape, support, n_channels, penalty, gaps):
    X, dictionary = problem(shape, support, n_channels)
    X = with_gaps(X)[0] if gaps else X
    model = ConvolutionalLISTA(penalty, n_layers=4)
    codes = model.encode(X, dictionary, missing=gaps)
    expected = certify(X, codes, dictionary, penalty, missing=gaps).objective
    thresholds = penalty.thresholds(3)
    values = [
        lasso(signal, z, dictionary, thresholds)[0]
        for signal, z in zip(pairs(X), planes(codes), strict=True)
    ]
    np.testing.assert_allclose(values, expected)
    network = model._network(dictionary)
    np.testing.assert_allclose(network.loss(pairs(X), network.first()), expected.mean())


@penalties
@cases
def test_missing_entries_are_left_out_of_every_layer(shape, support, n_channels, penalty):
    X, dictionary = problem(shape, support, n_channels)
    X, gone = with_gaps(X)
    matrix, L = dictionary.matrix(shape).atoms, dictionary.lipschitz
    sizes = np.repeat(penalty.thresholds(3), len(matrix) // 3) / L
    for x, mask, n in zip(X.reshape(2, -1), gone.reshape(2, -1), range(2), strict=True):
        # The problem without the missing entries is one of shorter samples.
        rows, z = matrix[:, ~mask], np.zeros(len(matrix))
        for _ in range(3):
            moved = z + (x[~mask] - z @ rows) @ rows.T / L
            z = np.maximum(moved - sizes, 0)
            if not penalty.positive:
                z += np.minimum(moved + sizes, 0)
        codes = ConvolutionalLISTA(penalty, n_layers=3).encode(X, dictionary, missing=True)
        np.testing.assert_allclose(codes[n].ravel(), z, atol=1e-12)
    report = ConvolutionalLISTA(penalty, n_layers=3).layer_report(X, dictionary, missing=True)
    assert (report.excess >= -report.gap).all() and (np.diff(report.excess) <= 0).all()


@pytest.mark.parametrize("gaps", [False, True])
def test_tied_layers_are_equal_layers(gaps):
    X, dictionary = problem((30,), (5,), 2)
    X = with_gaps(X)[0] if gaps else X
    first = ConvolutionalLISTA(L1(0.4), n_layers=3, tied=True).init(dictionary)
    rng = np.random.default_rng(1)
    tied = {name: rng.uniform(0.8, 1.2, array.shape) * array for name, array in first.items()}
    own = {name: np.repeat(array, 3, axis=0) for name, array in tied.items()}
    values, grads, codes = [], [], []
    for is_tied, params in ((True, tied), (False, own)):
        model = ConvolutionalLISTA(L1(0.4), n_layers=3, tied=is_tied, params=params)
        value, grad = model._network(dictionary).loss_and_gradients(pairs(X), params)
        values.append(value)
        grads.append(grad)
        codes.append(model.encode(X, dictionary, missing=gaps))
    assert values[0] == values[1]
    np.testing.assert_array_equal(*codes)
    for name, array in grads[0].items():
        np.testing.assert_allclose(array[0], grads[1][name].sum(axis=0), atol=1e-12)


@cases
def test_signals_of_unequal_sizes(shape, support, n_channels):
    X, dictionary = problem(shape, support, n_channels)
    cut = X[1][..., 2:] if len(shape) == 1 else X[1][:, 1:, 2:]
    signals, network = [X[0], cut], ConvolutionalLISTA(L1(0.4), n_layers=3)
    codes = network.encode(signals, dictionary, sparse_output=True)
    for one, code in zip(signals, codes, strict=True):
        alone = network.encode(one[None], dictionary)[0]
        np.testing.assert_array_equal(code.toarray().T.ravel(), alone.ravel())
    with pytest.raises(ValueError, match=r"signals of 2 sizes.*sparse_output=True"):
        network.encode(signals, dictionary)
    report = network.layer_report(signals, dictionary)
    alone = [network.layer_report(one[None], dictionary) for one in signals]
    np.testing.assert_allclose(report.objective, sum(one.objective for one in alone))
    np.testing.assert_allclose(report.optimum, sum(one.optimum for one in alone), rtol=1e-5)


def test_answers_do_not_depend_on_threads():
    X, dictionary = problem((30,), (5,), 2)
    X = np.concatenate([X, 2 * X, -X])
    trained = [
        ConvolutionalLISTA(L1(0.4), n_layers=3).train(
            X, dictionary, n_steps=4, batch_size=5, crop=20, random_state=0, n_jobs=n_jobs
        )
        for n_jobs in (1, 3)
    ]
    for n_jobs, network in zip((1, 3), trained, strict=True):
        for name, array in trained[0].params.items():
            np.testing.assert_array_equal(array, network.params[name])
        np.testing.assert_array_equal(
            trained[0].encode(X, dictionary, n_jobs=1),
            network.encode(X, dictionary, n_jobs=n_jobs),
        )
        reports = [trained[0].layer_report(X, dictionary, n_jobs=n) for n in (1, n_jobs)]
        np.testing.assert_array_equal(reports[0].objective, reports[1].objective)


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


def params(theta):
    kernels = np.ones((8, 2, 1, 5, 1))
    return {"W": kernels, "D": kernels, "theta": np.full((8, 2), theta)}


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"penalty": L1(0.0)}, ValueError, "above 0 for every atom"),
        ({"penalty": 0.5}, TypeError, "expected an L1 penalty"),
        ({"n_layers": 0}, ValueError, "n_layers"),
        ({"tied": 1}, ValueError, "tied"),
        ({"params": {"W": np.ones((8, 2, 1, 5, 1))}}, ValueError, r"params\['D'\] is missing"),
        ({"params": {"W": np.ones(3)}}, ValueError, r"params\['W'\] is shape \(3,\)"),
        ({"params": [np.ones(3)]}, TypeError, "params is .*a dict of arrays or None"),
        ({"params": params(np.nan)}, ValueError, r"params\['theta'\] is an array with NaN"),
        ({"params": params(np.inf)}, ValueError, r"params\['theta'\] is an array with NaN or inf"),
        ({"params": params(-1)}, ValueError, r"params\['theta'\] is -1; .*at least 0"),
    ],
)
def test_wrong_networks(given, error, message):
    with pytest.raises(error, match=message):
        ConvolutionalLISTA(**given).encode(np.ones((1, 1, 20)), np.ones((2, 1, 5)))


def test_thresholds_of_infinite_weights_are_kept():
    X, dictionary = problem((30,), (5,), 2)
    network = ConvolutionalLISTA(L1(0.4, weights=[1, 2, np.inf]), n_layers=2)
    codes = network.train(X, dictionary, n_steps=2, random_state=0).encode(X, dictionary)
    assert np.isposinf(network.params["theta"][:, 2]).all()
    network.params["theta"][:, 2] = 0.1
    with pytest.raises(ValueError, match=r"params\['theta'\] is an array with NaN or infinity"):
        network.encode(X, dictionary)
    assert codes[:, :2].any() and not codes[:, 2].any()


def test_its_text_has_no_arrays():
    network = ConvolutionalLISTA(L1(0.3), n_layers=2)
    network.params = network.init(np.ones((2, 1, 5)))
    assert "n_layers=2" in repr(network)
    assert "array" not in repr(network)


def test_a_report_of_zero_signals():
    report = ConvolutionalLISTA(L1(0.3), n_layers=2).layer_report(
        np.zeros((1, 1, 20)), np.ones((2, 1, 5))
    )
    np.testing.assert_array_equal(report.excess, 0)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[np.nan] * 20], "number of NaN in signal 0 of X is 20.*missing=True"),
        ([], "number of signals in X is 0"),
        (np.ones((1, 2, 20)), "number of channels of signal 0 of X is 2; expected 1"),
        (np.ones((20,)), "X is an array of 1 dimensions.*one signal is X\\[None\\]"),
        (np.ones((1, 4)), "at least the size of an atom"),
        ([np.ones(20), np.full(20, np.nan)], "number of NaN in signal 1"),
        (np.ones((1, 1, 20, 20)), "X is an array of 4 dimensions"),
    ],
)
def test_wrong_signals(X, message):
    network, dictionary = ConvolutionalLISTA(L1(0.5)), np.ones((2, 1, 5))
    for method in (network.encode, network.train, network.layer_report):
        with pytest.raises(ValueError, match=message):
            method(X, dictionary)
    with pytest.raises(ValueError, match="number of observed entries of signal 0"):
        network.encode([[np.nan] * 20], dictionary, missing=True)
