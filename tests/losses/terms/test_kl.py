"""The divergence of mean activations from a target."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.encoders import LISTA, ReLU, TopK
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.losses import AutoencoderLoss, KLDivergence, LossContext
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.training import train


class Logistic(LinearEncoder):
    """Codes between 0 and 1."""

    bounds = (0.0, 1.0)

    def _activate(self, A, params):
        A[...] = 1 / (1 + np.exp(-A))

    def _derive(self, dcodes, codes, params):
        return dcodes * codes * (1 - codes)


def evaluate(term, codes, context=None):
    dictionary = Dictionary(np.eye(codes.shape[1]))
    return AutoencoderLoss([term]).evaluate(
        np.zeros(codes.shape), dictionary, codes, context=context
    )


def test_value_and_gradient_are_those_of_the_formula(rng):
    codes, rho, beta = rng.uniform(size=(8, 3)), 0.1, 0.7
    m = codes.mean(axis=0)
    expected = rho * np.log(rho / m) + (1 - rho) * np.log((1 - rho) / (1 - m))
    result = evaluate(KLDivergence(rho, beta), codes)
    assert result.terms["kldivergence"] == pytest.approx(beta * expected.sum())
    slopes = beta / 8 * (-rho / m + (1 - rho) / (1 - m))
    fit = evaluate(KLDivergence(rho, 0.0), codes)
    np.testing.assert_allclose(result.dcodes - fit.dcodes, np.broadcast_to(slopes, (8, 3)))
    assert result.reports["mean_activation"] == pytest.approx(codes.mean())


def test_a_running_average_moves_by_what_is_new_only(rng):
    term, rho = KLDivergence(0.1, 1.0, momentum=0.75), 0.1
    memory = AutoencoderLoss([term]).init(Dictionary(np.eye(3)))
    average = np.full(3, rho)
    for _ in range(3):
        codes = rng.uniform(size=(8, 3))
        context = LossContext(memory=memory, training=True)
        result = evaluate(term, codes, context)
        average = 0.75 * average + 0.25 * codes.mean(axis=0)
        np.testing.assert_allclose(memory["0.mean"], average)
        slopes = 0.25 / 8 * (-rho / average + (1 - rho) / (1 - average))
        fit = evaluate(KLDivergence(rho, 0.0), codes)
        np.testing.assert_allclose(result.dcodes - fit.dcodes, np.broadcast_to(slopes, (8, 3)))
    before = memory["0.mean"].copy()
    evaluate(term, codes, LossContext(memory=memory))
    np.testing.assert_array_equal(memory["0.mean"], before)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_units_that_are_never_or_always_active_have_a_finite_cost(value):
    result = evaluate(KLDivergence(0.1), np.full((4, 2), value))
    assert np.isfinite(result.value) and np.isfinite(result.dcodes).all()
    assert (np.sign(result.dcodes) == (1 if value else -1)).all()


@pytest.mark.parametrize("rho", [0.0, 1.0, -0.1, 1.5, np.nan, "a"])
def test_a_target_outside_is_refused(rho):
    with pytest.raises(ValueError, match=r"rho is"):
        AutoencoderLoss([KLDivergence(rho)]).init(Dictionary(np.eye(2)))


@pytest.mark.parametrize("momentum", [1.0, -0.1])
def test_a_momentum_outside_is_refused(momentum):
    with pytest.raises(ValueError, match=r"momentum is"):
        evaluate(KLDivergence(0.1, momentum=momentum), np.full((4, 2), 0.5))


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_codes_that_are_no_activations_are_refused(value):
    codes = np.full((4, 2), 0.5)
    codes[1, 1] = value
    with pytest.raises(ValueError, match=r"expected activations in \[0, 1\].*Sigmoid"):
        evaluate(KLDivergence(0.1), codes)


@pytest.mark.parametrize("encoder", [ReLU(), TopK(k=1), LISTA(L1(0.1))], ids=repr)
def test_encoders_of_unbounded_codes_are_refused_before_training(encoder):
    # Codes this small would pass for activations.
    X, loss = np.full((4, 2), 1e-3), AutoencoderLoss([KLDivergence(0.1)])
    with pytest.raises(ValueError, match=f"{type(encoder).__name__}.*expected activations"):
        next(train(encoder, Dictionary(np.eye(2)), X, loss=loss))


@pytest.mark.parametrize("memory, weight", [(0.0, 50.0), (0.9, 500.0)])
def test_training_brings_the_mean_activation_to_its_target(rng, memory, weight):
    X, dictionary = rng.standard_normal((400, 5)), Dictionary.random(12, 5, random_state=0)
    loss, encoder = AutoencoderLoss([KLDivergence(0.1, weight, memory)]), Logistic()
    *_, last = train(
        encoder,
        dictionary,
        X,
        loss=loss,
        optimizer=Adam(0.02),
        n_epochs=60,
        batch_size=100,
        learn_dictionary=True,
        random_state=0,
    )
    means = encoder.bind(last.params).encode(X, last.dictionary).mean(axis=0)
    np.testing.assert_allclose(means, 0.1, rtol=0.1)
    assert last.history["mean_activation"][-1] == pytest.approx(0.1, rel=0.1)
