"""The perceptron is the network it says, and starts as the ReLU encoder of an autoencoder."""

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor

from sparsecode import Dictionary
from sparsecode.encoders import LISTA, MLP
from sparsecode.losses import SupervisedLoss
from sparsecode.optimizers import LBFGS
from sparsecode.penalties import L1
from sparsecode.training import train


def moved(encoder, dictionary, rng):
    params = encoder.init(dictionary, random_state=0)
    return {name: a + 0.2 * rng.standard_normal(a.shape) for name, a in params.items()}


@pytest.mark.parametrize("hidden", [(), (7,), (5, 4)])
def test_is_the_network_of_scikit_learn(X, frame, rng, hidden):
    """Of its regressor, whose last layer has no rectifier."""
    dictionary = Dictionary(frame, rng.standard_normal(6))
    params = moved(MLP(hidden), dictionary, rng)
    # One step, so that it has all attributes that it predicts with.
    other = MLPRegressor(hidden_layer_sizes=hidden or (1,), solver="sgd", random_state=0)
    other.partial_fit(X - dictionary.offset, np.ones((len(X), 9)))
    other.n_layers_ = len(hidden) + 2
    other.coefs_ = [params[f"W_{i}"] for i in range(len(hidden) + 1)]
    other.intercepts_ = [params[f"b_{i}"] for i in range(len(hidden) + 1)]
    A = other.predict(X - dictionary.offset)
    codes = MLP(hidden).bind(params).encode(X, dictionary)
    np.testing.assert_allclose(codes, np.maximum(A, 0), atol=1e-12)
    theta = np.linspace(-0.1, 0.8, 9)
    signed = MLP(hidden, positive=False).bind({**params, "theta": theta}).encode(X, dictionary)
    expected = np.sign(A) * np.maximum(np.abs(A) - np.maximum(theta, 0), 0)
    np.testing.assert_allclose(signed, expected, atol=1e-12)
    assert (signed < 0).any() and (signed == 0).any()


@pytest.mark.parametrize("hidden", [(), (12,), (40,), (12, 16), (14, 12, 30)])
@pytest.mark.parametrize("positive", [True, False])
def test_starts_at_the_correlations(X, frame, rng, hidden, positive):
    dictionary = Dictionary(frame, rng.standard_normal(6))
    codes = MLP(hidden, positive=positive).encode(X, dictionary)
    expected = (X - dictionary.offset) @ frame.T
    if positive:
        expected = np.maximum(expected, 0)
    np.testing.assert_allclose(codes, expected, atol=1e-12)


@pytest.mark.parametrize("hidden", [(1,), (2,), (13,), (12, 5)])
def test_starts_near_them_where_it_is_narrow(X, frame, hidden):
    """No code is dead, and without an offset it grows with its sample."""
    codes = MLP(hidden).encode(X, frame)
    assert np.isfinite(codes).all() and codes.any()
    np.testing.assert_allclose(MLP(hidden).encode(3 * X, frame), 3 * codes, atol=1e-12)


def test_start_is_drawn(frame):
    first, second = (MLP().init(frame, random_state=seed) for seed in (0, 1))
    assert not np.array_equal(first["W_0"], second["W_0"])
    # He's variance, of all weights of a layer.
    wide = MLP((400,)).init(frame, random_state=0)["W_0"]
    assert np.mean(wide**2) == pytest.approx(2 / 6, rel=1e-6)


def test_one_layer_is_one_of_lista(X, frame, rng):
    """A rectifier with a bias is a non-negative threshold."""
    lista = LISTA(L1(0.1, positive=True), n_layers=1)
    params = {name: rng.random(array.shape) for name, array in lista.init(frame).items()}
    mine = {"W_0": params["W"][0], "b_0": -params["theta"][0]}
    expected = lista.bind(params).encode(X, frame)
    np.testing.assert_allclose(MLP(()).bind(mine).encode(X, frame), expected, atol=1e-12)


def test_backward_leaves_the_gradient_as_it_is(X, frame, rng):
    for encoder in (MLP((7,)), MLP((7,), positive=False), MLP(())):
        codes, cache = encoder.forward(moved(encoder, Dictionary(frame), rng), X, frame)
        dcodes = rng.standard_normal(codes.shape)
        before, after = dcodes.copy(), codes.copy()
        encoder.backward(dcodes, cache)
        np.testing.assert_array_equal(dcodes, before)
        np.testing.assert_array_equal(codes, after)


@pytest.mark.needs_jit("hundreds of steps")
def test_learns_the_codes_of_orthogonal_atoms(rng):
    """Of one rectifier each, which the network can compute exactly."""
    dictionary = Dictionary(np.linalg.qr(rng.standard_normal((4, 4)))[0])
    X = rng.standard_normal((200, 4))
    target = np.maximum(X @ dictionary.atoms.T - 0.3, 0)
    *_, last = train(
        MLP(()), dictionary, X, loss=SupervisedLoss(), target=target,
        optimizer=LBFGS(tol=1e-12), n_epochs=10, random_state=0,
    )  # fmt: skip
    assert last.best_loss < 1e-10
    np.testing.assert_allclose(last.best_params["b_0"], -0.3, atol=1e-4)


@pytest.mark.parametrize(
    ("hidden", "error", "match"),
    [
        (32, TypeError, "hidden is 32; expected a tuple"),
        ("32", TypeError, "hidden is '32'"),
        ((0,), ValueError, "hidden"),
        ((2.5,), ValueError, "hidden"),
    ],
)
def test_widths_are_checked(X, frame, hidden, error, match):
    with pytest.raises(error, match=match):
        MLP(hidden).encode(X, frame)
    with pytest.raises(error, match=match):
        MLP(hidden).init(frame)


def test_has_no_codes_within(X, frame):
    with pytest.raises(ValueError, match="n_layers"):
        MLP((8, 8)).encode(X, frame, n_layers=2)


@pytest.mark.parametrize("hidden", [(), (30,), (30, 20)])
@pytest.mark.parametrize("positive", [True, False])
class TestStart:
    def start(self, hidden, positive, rng):
        dictionary = Dictionary(rng.standard_normal((9, 6)), rng.standard_normal(6))
        encoder = MLP(hidden, positive)
        params = moved(encoder, dictionary, rng)
        return encoder.bind(params), dictionary, rng.standard_normal((1000, 6))

    def test_units_are_active_on_a_share_of_the_samples(self, hidden, positive, rng):
        encoder, dictionary, X = self.start(hidden, positive, rng)
        if not positive:
            # What a threshold is compared with.
            encoder.params[f"b_{len(hidden)}"][:] = 0
        for share in (0.05, 0.3):
            codes = encoder.calibrate(X, dictionary, share).encode(X, dictionary)
            np.testing.assert_allclose((codes != 0).mean(axis=0), share, atol=0.002)

    def test_the_gain_is_that_of_least_squares(self, hidden, positive, rng):
        encoder, dictionary, X = self.start(hidden, positive, rng)
        codes = encoder.encode(X, dictionary)
        x, X_hat = X - dictionary.offset, codes @ dictionary.atoms
        factor = np.vdot(x, X_hat) / np.vdot(X_hat, X_hat)
        after = encoder.match_gain(X, dictionary).encode(X, dictionary)
        np.testing.assert_allclose(after, factor * codes, atol=1e-12)

    def test_scales_with_the_samples(self, hidden, positive, rng):
        encoder, dictionary, X = self.start(hidden, positive, rng)
        scaled, same = encoder.scale_samples(dictionary, 3.0)
        np.testing.assert_array_equal(same.atoms, dictionary.atoms)
        expected = 3 * encoder.encode(X, dictionary)
        np.testing.assert_allclose(scaled.encode(3 * X, same), expected, atol=1e-12)
