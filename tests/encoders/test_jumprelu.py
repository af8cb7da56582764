"""JumpReLU: thresholds, their estimated gradients, and training with a count of active units."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary
from sparsecode._factored_gradients import add_gradients
from sparsecode.encoders import JumpReLU, ReLU
from sparsecode.losses import (
    ActiveUnits,
    AutoencoderLoss,
    InactiveMargin,
    LossContext,
    TargetActiveUnits,
)
from sparsecode.optimizers import Adam
from sparsecode.training import train

BANDWIDTH = 0.6


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((8, 5)), rng.standard_normal(5))
    encoder = JumpReLU(bandwidth=BANDWIDTH, threshold_init=0.7)
    params = encoder.init(dictionary)
    params["b"] += 0.3 * rng.standard_normal(8)
    params["log_threshold"] += 0.2 * rng.standard_normal(8)
    return rng.standard_normal((30, 5)) + dictionary.offset, dictionary, encoder, params


def pre_activations(X, dictionary, params):
    return dictionary.center(X) @ params["W"].T + params["b"]


def test_codes_are_those_above_their_threshold(problem):
    X, dictionary, encoder, params = problem
    A, theta = pre_activations(X, dictionary, params), np.exp(params["log_threshold"])
    expected = np.where(theta < A, A, 0)
    np.testing.assert_allclose(encoder.bind(params).encode(X, dictionary), expected, rtol=1e-12)
    signals = encoder.forward(params, X, dictionary, signals=encoder.signal_names)[1].signals
    np.testing.assert_allclose(signals["pre"], A, rtol=1e-12)
    np.testing.assert_allclose(signals["margin"], A - theta, rtol=1e-10)
    np.testing.assert_array_equal(signals["active"], expected > 0)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_the_jump_may_train_weights_too(problem, tied, is_sparse, monkeypatch):
    """As a shift of all pre-activations is one of all thresholds, the other way."""
    monkeypatch.setattr("sparsecode.encoders._linear.DENSEST", 1.0)
    X, dictionary, _, params = problem
    X, weight, found = X[:9], 0.4, []
    params = params if not tied else {n: a for n, a in params.items() if n != "W"}
    rng = np.random.default_rng(3)
    upstream = rng.standard_normal((9, 8))
    for through_jump in (False, True):
        encoder = JumpReLU(bandwidth=BANDWIDTH, threshold_init=0.7, tied=tied)
        encoder.through_jump = through_jump
        codes, cache = encoder.forward(
            params, X, dictionary, sparse=is_sparse, signals=("active",), training=True
        )
        given, dactive = upstream, np.full((9, 8), weight)
        if is_sparse:
            rows = np.repeat(np.arange(9), np.diff(codes.indptr))
            given = sparse.csr_array(
                (upstream[rows, codes.indices], codes.indices, codes.indptr), shape=codes.shape
            )
            dactive = sparse.csr_array(
                (np.full(codes.nnz, weight), codes.indices, codes.indptr), shape=codes.shape
            )
        grads = encoder.backward(given, cache, with_dictionary=True, dsignals={"active": dactive})
        found.append({name: np.asarray(grad) for name, grad in grads.items()})
    W = dictionary.atoms if tied else params["W"]
    theta = np.exp(params["log_threshold"])
    x = X - dictionary.offset
    A = x @ W.T + params["b"]
    jump = (upstream * theta + weight) * (np.abs(A - theta) < BANDWIDTH / 2) / BANDWIDTH
    plain, through = found
    np.testing.assert_allclose(through["log_threshold"], plain["log_threshold"], rtol=1e-10)
    np.testing.assert_allclose(through["log_threshold"], -theta * jump.sum(axis=0), rtol=1e-10)
    more = {"b": jump.sum(axis=0), "offset": -(jump @ W).sum(axis=0)}
    more["atoms" if tied else "W"] = jump.T @ x
    assert set(JumpReLU(through_jump=True, tied=tied).straight_through) == {*more, "log_threshold"}
    for name, change in more.items():
        np.testing.assert_allclose(through[name], plain[name] + change, rtol=1e-9, atol=1e-12)


def test_a_threshold_of_almost_0_is_relu(problem):
    X, dictionary, _, params = problem
    low = JumpReLU().bind(params | {"log_threshold": np.full(8, -50.0)}).encode(X, dictionary)
    relu = ReLU().bind({"W": params["W"], "b": params["b"]}).encode(X, dictionary)
    np.testing.assert_array_equal(low, relu)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("term", [None, ActiveUnits(0.4), TargetActiveUnits(1.5, weight=2.0)])
def test_gradient_of_the_thresholds_is_that_of_a_smoothed_loss(problem, tied, term):
    """Of the loss to first order, with each pre-activation shifted uniformly in the window."""
    X, dictionary, encoder, params = problem
    encoder.tied = tied
    params["W"] = dictionary.atoms
    given = {name: a for name, a in params.items() if not (tied and name == "W")}
    loss = AutoencoderLoss([] if term is None else [term])
    codes, cache = encoder.forward(given, X, dictionary, signals=loss.needs)
    context = LossContext(signals=cache.signals)
    result = loss.evaluate(X, dictionary, codes, context=context, dictionary_grads=True)
    grads = encoder.backward(result.dcodes, cache, dsignals=result.dsignals)
    A = pre_activations(X, dictionary, params)
    per_unit = 0.0
    if term is not None:
        l0 = (codes > 0).sum(axis=1).mean()
        target = isinstance(term, TargetActiveUnits)
        per_unit = 2 * 2.0 * (l0 / 1.5 - 1) / 1.5 if target else 0.4

    def smoothed(log_threshold):
        low, high = A - BANDWIDTH / 2, A + BANDWIDTH / 2
        cut = np.clip(np.exp(log_threshold), low, high)
        mean_codes = (high**2 - cut**2) / (2 * BANDWIDTH)
        mean_active = (high - cut) / BANDWIDTH
        return result.dcodes * mean_codes + per_unit / len(X) * mean_active

    step = 1e-6
    above, below = (smoothed(params["log_threshold"] + s).sum(axis=0) for s in (step, -step))
    expected = (above - below) / (2 * step)
    assert np.count_nonzero(np.abs(expected) > 1e-3) > 4
    np.testing.assert_allclose(grads["log_threshold"], expected, rtol=1e-6, atol=1e-7)


def test_a_gradient_of_the_margin_moves_thresholds_and_weights(problem, rng):
    X, dictionary, encoder, params = problem
    codes, cache = encoder.forward(params, X, dictionary, signals=("margin",))
    upstream = rng.standard_normal(codes.shape)
    grads = encoder.backward(np.zeros_like(codes), cache, dsignals={"margin": upstream})
    theta = np.exp(params["log_threshold"])
    np.testing.assert_allclose(grads["log_threshold"], -theta * upstream.sum(axis=0))
    np.testing.assert_allclose(grads["b"], upstream.sum(axis=0))
    np.testing.assert_allclose(np.asarray(grads["W"]), upstream.T @ dictionary.center(X))


@pytest.mark.parametrize("term", [ActiveUnits(0.4), TargetActiveUnits(1.5), InactiveMargin(0.1)])
@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_codes_of_training_give_the_same(problem, monkeypatch, term, weighted):
    X, dictionary, encoder, params = problem
    loss, found = AutoencoderLoss([term]), []
    weight = np.linspace(0.0, 2.0, len(X)) if weighted else None
    # Few entries are in a window or above it; dense codes where that is not few enough.
    params["b"] -= 1.0
    for densest, is_sparse in ((1.0, True), (0.0, True), (1.0, False)):
        monkeypatch.setattr("sparsecode.encoders._linear.DENSEST", densest)
        codes, cache = encoder.forward(
            params, X, dictionary, sparse=is_sparse, signals=("pre", *loss.needs)
        )
        assert sparse.issparse(codes) == (is_sparse and densest > 0)
        result = loss.evaluate(
            X,
            dictionary,
            codes,
            sample_weight=weight,
            context=LossContext(signals=cache.signals),
            dictionary_grads=True,
        )
        grads = encoder.backward(
            result.dcodes, cache, with_dictionary=True, dsignals=result.dsignals
        )
        for name, grad in result.grads.items():
            grads[name] = add_gradients(grads.get(name), grad)
        codes = codes.toarray() if sparse.issparse(codes) else codes
        arrays = {"codes": codes, "pre": cache.signals["pre"], "value": result.value}
        found.append(arrays | {name: np.asarray(grad) for name, grad in grads.items()})
    assert np.count_nonzero(found[0]["log_threshold"]) > 4
    for name in found[0]:
        for other in found[:2]:
            np.testing.assert_allclose(other[name], found[2][name], atol=1e-12, err_msg=name)


@pytest.mark.needs_jit("hundreds of steps")
@pytest.mark.parametrize("target", [2.0, 6.0])
def test_training_reaches_the_target(rng, target):
    # Not sparse itself, so that no gap holds a threshold.
    X = rng.laplace(size=(600, 12)) / 5
    start = Dictionary.random(24, 12, random_state=0)
    loss = AutoencoderLoss([TargetActiveUnits(target, weight=10.0)])
    *_, last = train(
        JumpReLU(bandwidth=0.2, threshold_init=0.3),
        start,
        X,
        loss=loss,
        optimizer=Adam(lr=1e-2),
        n_epochs=60,
        batch_size=100,
        learn_dictionary=True,
        random_state=0,
    )
    codes = JumpReLU().bind(last.params).encode(X, last.dictionary)
    assert np.count_nonzero(codes) / len(codes) == pytest.approx(target, rel=0.1)


@pytest.mark.parametrize("options", [{"bandwidth": 0.0}, {"threshold_init": -1.0}])
def test_refuses(problem, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        JumpReLU(**options).init(problem[1])
    with pytest.raises(ValueError, match="signal of JumpReLU is 'gate'"):
        JumpReLU().forward(problem[3], problem[0], problem[1], signals=("gate",))
