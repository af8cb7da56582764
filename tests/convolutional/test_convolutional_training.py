"""Training of the convolutional network: what it gains, and how it ends badly."""

import numpy as np
import pytest
from planted import planted
from sklearn.exceptions import ConvergenceWarning

from sparsecode import alpha_max, certify
from sparsecode._convolution.signals import check_signals
from sparsecode.convolutional import ConvolutionalDictionary, ConvolutionalLISTA, LocallyGreedy
from sparsecode.convolutional._crops import Crops
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1


def problem(shape, support, n_channels, dtype=np.float64):
    dictionary = ConvolutionalDictionary.random(
        3, support, n_channels=n_channels, random_state=0, dtype=dtype
    )
    X = np.random.default_rng(0).standard_normal((2, n_channels, *shape)).astype(dtype)
    return X, dictionary


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


@pytest.mark.parametrize("positive", [False, True])
def test_training_with_gaps_and_unequal_sizes(positive):
    X, dictionary = planted(0, (800,), (12,))
    penalty = L1(0.1 * alpha_max(X, dictionary), positive=positive)
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    trained = ConvolutionalLISTA(penalty, n_layers=4).train(
        [X[0, :, :500], X[0, :, 500:]], dictionary, optimizer=Adam(lr=3e-3), n_steps=60,
        batch_size=2, crop=150, missing=True, random_state=0,
    )  # fmt: skip
    report = trained.layer_report(X[1:], dictionary, missing=True)
    assert report.excess[-1] < 0.7 * report.ista_excess[-1]
    codes = trained.encode(X[1:], dictionary, missing=True)
    certificate = certify(X[1:], codes, dictionary, penalty, missing=True)
    np.testing.assert_allclose(certificate.objective.sum(), report.objective[-1])


def test_crops_are_drawn_from_all_places():
    X, dictionary = problem((12,), (3,), 1)
    signals = check_signals([X[0, :, :4], X[1]], 1)
    crops = Crops.of(signals, 4, dictionary).draw(2000, np.random.RandomState(0))
    starts = [signal.x[0, 0, 0] for signal in crops]
    counts = [starts.count(value) for value in [X[0, 0, 0], *X[1, 0, :9]]]
    assert sum(counts) == 2000
    assert min(counts) > 150
    whole = Crops.of(signals, None, dictionary).draw(8, np.random.RandomState(0))
    assert sorted(signal.x.shape[1] for signal in whole) == [4, 12]


def interrupted(network, X, dictionary, after):
    """Train until Ctrl-C before a step."""
    calls = []

    def told():
        calls.append(None)
        if len(calls) == after:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparsecode.convolutional._training.halt_if_told", told)
        with pytest.raises(KeyboardInterrupt):
            network.train(X, dictionary, random_state=0, n_jobs=1)
    return network


def test_ctrl_c_keeps_the_best_parameters():
    X, dictionary = problem((30,), (5,), 2)
    network = interrupted(ConvolutionalLISTA(L1(0.5), n_layers=2), X, dictionary, after=15)
    other = ConvolutionalLISTA(L1(0.5), n_layers=2).train(X, dictionary, n_steps=10, random_state=0)
    for name, array in network.params.items():
        np.testing.assert_array_equal(array, other.params[name])
        assert (array != network.init(dictionary)[name]).any()
    network = interrupted(ConvolutionalLISTA(L1(0.5), n_layers=2), X, dictionary, after=5)
    for name, array in network.init(dictionary).items():
        np.testing.assert_array_equal(array, network.params[name])


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
        ({"X": [np.ones(30), np.ones(8)], "crop": 9}, ValueError, r"\(8,\) of the smallest signal"),
        (
            {"crop": 4},
            ValueError,
            r"crop is \(4,\).*from \(5,\) of an atom to \(20,\) of the smallest",
        ),
        ({"crop": 21}, ValueError, "of the smallest signal"),
        ({"crop": (5, 5)}, ValueError, "1 sizes"),
        ({"optimizer": LBFGS()}, ValueError, "optimizer is LBFGS.*takes steps"),
        ({"optimizer": "adam"}, TypeError, "an Optimizer or None"),
        ({"n_steps": 0}, ValueError, "n_steps"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"verbose": 2}, ValueError, "verbose"),
        ({"n_jobs": 0}, ValueError, "n_jobs"),
        ({"missing": "mask"}, ValueError, "missing is 'mask'; expected True or False"),
    ],
)
def test_wrong_arguments_of_training(change, error, message):
    given = {"X": np.ones((1, 1, 20)), "dictionary": np.ones((2, 1, 5))}
    with pytest.raises(error, match=message):
        ConvolutionalLISTA(L1(0.5)).train(**(given | change))


def test_progress_is_printed_on_request(capsys):
    X, dictionary = problem((30,), (5,), 2)
    network = ConvolutionalLISTA(L1(0.5), n_layers=2)
    first = mean_objective(network, X, dictionary)
    network.train(X, dictionary, n_steps=12, random_state=0)
    assert not capsys.readouterr().out
    network.params = None
    network.train(X, dictionary, n_steps=12, random_state=0, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"step 0: loss {first:.6g}"
    assert [line.split(":")[0] for line in lines] == ["step 0", "step 10", "step 12"]


def mean_objective(network, X, dictionary):
    codes = network.encode(X, dictionary)
    return certify(X, codes, dictionary, network.penalty).objective.mean()


def test_training_that_diverges():
    X, dictionary = problem((40,), (5,), 1)
    network = ConvolutionalLISTA(L1(0.3), n_layers=3)
    with pytest.raises(
        FloatingPointError, match=r"diverged in step.*Lower the learning rate of SGD"
    ):
        network.train(1e3 * X, dictionary, n_steps=30, optimizer=SGD(lr=1e6))
    for name, array in network.init(dictionary).items():
        np.testing.assert_array_equal(array, network.params[name])


def test_a_loss_that_blows_up_is_told_and_taken_back():
    X, dictionary = problem((40,), (5,), 1)
    start = ConvolutionalLISTA(L1(0.3), n_layers=2)
    start.train(X, dictionary, n_steps=20, random_state=0)
    before = mean_objective(start, X, dictionary)
    assert before < mean_objective(ConvolutionalLISTA(L1(0.3), n_layers=2), X, dictionary)
    kept = {name: array.copy() for name, array in start.params.items()}
    with pytest.warns(ConvergenceWarning, match=r"raised the loss .* in 10 steps.*from before"):
        start.train(X, dictionary, n_steps=500, optimizer=Adam(lr=1.0), random_state=0)
    assert mean_objective(start, X, dictionary) == before
    for name, array in start.params.items():
        np.testing.assert_array_equal(array, kept[name])


def test_the_best_parameters_are_kept_when_the_loss_rises_later():
    X, dictionary = problem((40,), (5,), 1)

    class Rising(Adam):
        """Steps that become far too long."""

        def lr_at(self, n_steps):
            return 1e-3 if n_steps < 30 else 3.0

    network = ConvolutionalLISTA(L1(0.3), n_layers=2)
    with pytest.warns(ConvergenceWarning, match="The network keeps the best parameters of this"):
        network.train(X, dictionary, n_steps=60, optimizer=Rising(), random_state=0)
    other = ConvolutionalLISTA(L1(0.3), n_layers=2)
    other.train(X, dictionary, n_steps=30, optimizer=Adam(lr=1e-3), random_state=0)
    for name, array in other.params.items():
        np.testing.assert_array_equal(array, network.params[name])
