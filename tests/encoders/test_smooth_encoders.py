"""Encoders whose activation is one formula: against scipy, relations between them, promises."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit, softmax

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.constraints import Free
from sparsecode.encoders import (
    PSD,
    AbsTopK,
    Gated,
    JumpReLU,
    LeakyReLU,
    MatchingPursuit,
    ReLU,
    ScaledReLU,
    Sigmoid,
    Softmax,
    Tanh,
    TopK,
    WinnerTakeAll,
)

rng = np.random.default_rng(0)
X = 3 * rng.standard_normal((40, 6))
DICTIONARY = Dictionary(rng.standard_normal((9, 6)), rng.standard_normal(6))
PARAMS = {"W": rng.standard_normal((9, 6)), "b": rng.standard_normal(9)}
A = DICTIONARY.center(X) @ PARAMS["W"].T + PARAMS["b"]
ALL = [
    AbsTopK(k=3),
    LeakyReLU(),
    MatchingPursuit(k=3),
    MatchingPursuit(k=3, positive=False),
    ReLU(),
    ScaledReLU(),
    Sigmoid(),
    Softmax(),
    Tanh(),
    TopK(k=3),
    WinnerTakeAll(),
]


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [
        (LeakyReLU(slope=0.2), np.where(A > 0, A, 0.2 * A)),
        (LeakyReLU(slope=0), np.maximum(A, 0)),
        (LeakyReLU(slope=1), A),
        (Sigmoid(), expit(A)),
        (Tanh(), np.tanh(A)),
        (Softmax(temperature=2.0), softmax(A / 2, axis=1)),
    ],
    ids=repr,
)
def test_formula(encoder, expected):
    codes = encoder.bind(PARAMS).encode(X, DICTIONARY)
    np.testing.assert_allclose(codes, expected, atol=1e-12)
    if not encoder.tied:
        tied = type(encoder)(**{**encoder.get_params(), "tied": True})
        dictionary = Dictionary(PARAMS["W"], DICTIONARY.offset)
        codes = tied.bind({"b": PARAMS["b"]}).encode(X, dictionary)
        np.testing.assert_allclose(codes, expected, atol=1e-12)


def test_tanh_is_psd_with_gain_one():
    params = PSD().init(DICTIONARY)
    shapes = {name: array.shape for name, array in params.items()}
    assert shapes["W"] == (6, 9)
    gain = next(name for name in params if name not in ("W", "b"))
    psd = PSD().bind({"W": PARAMS["W"].T, "b": PARAMS["b"], gain: np.ones(shapes[gain])})
    expected = psd.encode(X, DICTIONARY)
    np.testing.assert_allclose(Tanh().bind(PARAMS).encode(X, DICTIONARY), expected, atol=1e-12)


def test_abs_topk_keeps_the_largest_magnitudes():
    limit = np.sort(np.abs(A), axis=1)[:, -3][:, None]
    expected = np.where(np.abs(A) >= limit, A, 0)
    encoder = AbsTopK(k=3).bind(PARAMS)
    np.testing.assert_allclose(encoder.encode(X, DICTIONARY), expected, atol=1e-12)
    codes, _ = encoder.forward(PARAMS, X, DICTIONARY, sparse=True)
    assert codes.nnz == 3 * len(X)
    np.testing.assert_allclose(codes.toarray(), expected, atol=1e-12)


def test_abs_topk_is_topk_of_twice_the_units():
    both = {
        "W": np.vstack([PARAMS["W"], -PARAMS["W"]]),
        "b": np.hstack([PARAMS["b"], -PARAMS["b"]]),
    }
    wide = Dictionary(np.vstack([DICTIONARY.atoms, -DICTIONARY.atoms]), DICTIONARY.offset)
    codes = TopK(k=3).bind(both).encode(X, wide)
    signed = AbsTopK(k=3).bind(PARAMS).encode(X, DICTIONARY)
    np.testing.assert_allclose(codes[:, :9] - codes[:, 9:], signed, atol=1e-12)


@pytest.mark.parametrize("encoder", [*ALL, Gated(), JumpReLU()], ids=repr)
def test_sparse_codes_of_training_have_the_same_gradients_or_are_refused(encoder):
    samples = np.vstack([X, DICTIONARY.offset])
    params = encoder.init(DICTIONARY, random_state=0)
    encoder = encoder.bind(params)
    expected = encoder.encode(samples, DICTIONARY)
    found = encoder.encode(samples, DICTIONARY, sparse_output=True)
    np.testing.assert_array_equal(found.toarray(), expected)
    if not isinstance(encoder, (AbsTopK, TopK, MatchingPursuit, JumpReLU, ReLU, WinnerTakeAll)):
        with pytest.raises(ValueError, match=r"sparse is True .* Use encode\(sparse_output=True\)"):
            encoder.forward(params, samples, DICTIONARY, sparse=True)
        return
    dense, cache = encoder.forward(params, samples, DICTIONARY)
    codes, sparse_cache = encoder.forward(params, samples, DICTIONARY, sparse=True)
    slopes = rng.standard_normal(dense.shape)
    if sparse.issparse(codes):
        np.testing.assert_array_equal(codes.toarray(), dense)
        of_codes = codes.copy()
        of_codes.data = slopes[np.repeat(np.arange(41), np.diff(codes.indptr)), codes.indices]
    else:
        # JumpReLU keeps them dense where many are not zero.
        of_codes = slopes
    expected = encoder.backward(slopes, cache)
    found = encoder.backward(of_codes, sparse_cache)
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(np.asarray(found[name]), np.asarray(expected[name]), atol=1e-12)


def test_softmax_competes():
    encoder = Softmax(temperature=1e-3).bind(PARAMS)
    expected = np.eye(9)[A.argmax(axis=1)]
    np.testing.assert_allclose(encoder.encode(X, DICTIONARY), expected, atol=1e-6)
    shifted = Softmax().bind({**PARAMS, "b": PARAMS["b"] + 7}).encode(X, DICTIONARY)
    np.testing.assert_allclose(shifted, Softmax().bind(PARAMS).encode(X, DICTIONARY), atol=1e-12)


@pytest.mark.parametrize("encoder", [Sigmoid(), Tanh(), Softmax(temperature=1e-3)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_values_overflow_nothing(encoder, dtype):
    dictionary = Dictionary(DICTIONARY.atoms.astype(dtype))
    codes = encoder.encode(1e6 * X.astype(dtype), dictionary)
    assert np.isfinite(codes).all() and codes.dtype == dtype


@pytest.mark.parametrize("encoder", ALL, ids=repr)
def test_promises(encoder):
    """Bounds hold, and the codes of scaled samples are scaled just where it says so."""
    low, high = encoder.bounds
    params = encoder.init(DICTIONARY)
    codes = encoder.bind(params).encode(X, DICTIONARY)
    assert codes.min() >= low and codes.max() <= high
    assert (codes.min() < 0) == (low < 0)
    centred = Dictionary(DICTIONARY.atoms)
    if "b" in params:
        params["b"] += 0.3
    codes = encoder.bind(params).encode(X, centred)
    if "b" in params:
        params["b"] *= 5
    scaled = encoder.bind(params).encode(5 * X, centred)
    assert np.allclose(scaled, 5 * codes) == encoder.homogeneous


def test_scale_of_one_is_relu():
    params = {**PARAMS, "log_scale": np.zeros(9)}
    expected = ReLU().bind(PARAMS).encode(X, DICTIONARY)
    np.testing.assert_array_equal(ScaledReLU().bind(params).encode(X, DICTIONARY), expected)


def test_gradient_of_the_scale_is_0_at_least_squares():
    """With orthonormal atoms the best gain of each unit is that of a regression on its codes."""
    dictionary = Dictionary(np.eye(6))
    params = {"W": 0.6 * np.eye(6), "b": np.full(6, -0.4)}
    plain = ReLU().bind(params).encode(X, dictionary)
    best = (X * plain).sum(axis=0) / (plain**2).sum(axis=0)
    assert (best > 1).all()
    for gain, vanishes in ((best, True), (0.9 * best, False)):
        codes, cache = ScaledReLU().forward({**params, "log_scale": np.log(gain)}, X, dictionary)
        grads = ScaledReLU().backward(codes - X, cache)
        assert (np.abs(grads["log_scale"]).max() < 1e-10) == vanishes


def test_leaky_units_that_are_off_still_learn():
    dictionary = Dictionary(np.eye(6))
    params = {"W": np.eye(6), "b": np.full(6, -100.0)}
    for encoder, learns in ((ReLU(), False), (LeakyReLU(), True)):
        codes, cache = encoder.forward(params, X, dictionary)
        grads = encoder.backward(codes - X, cache)
        assert grads["b"].any() == learns


@pytest.mark.parametrize("encoder", [Sigmoid(), Tanh(), Softmax(0.2), LeakyReLU()], ids=repr)
def test_training_lowers_the_loss(encoder):
    model = SparseAutoencoder(
        9, encoder=encoder, alpha=1e-3, constraint=Free(), init="samples", random_state=0
    ).fit(X)
    assert model.history_["loss"][-1] < model.history_["loss"][0]


def test_refuses():
    for encoder, name in (
        (LeakyReLU(slope=-0.1), "slope"),
        (LeakyReLU(slope=2.0), "slope"),
        (Softmax(temperature=0.0), "temperature"),
        (Softmax(temperature=np.nan), "temperature"),
        (AbsTopK(k=10), "k=10"),
        (Sigmoid(tied="yes"), "tied"),
    ):
        with pytest.raises(ValueError, match=name):
            encoder.encode(X, DICTIONARY)
