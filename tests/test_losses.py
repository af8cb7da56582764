"""Losses: their definition, their gradients, weights as repetitions."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.losses import AutoencoderLoss, LassoLoss, LossContext, SupervisedLoss
from sparsecode.losses._transcoder import TranscoderLoss
from sparsecode.objective import objective
from sparsecode.penalties import L1, Cauchy, ElasticNet
from sparsecode.testing import gradcheck

PENALTIES = [L1(0.3), L1(0.3, positive=True), ElasticNet(0.2), Cauchy(0.4)]
penalties = pytest.mark.parametrize("penalty", PENALTIES, ids=repr)


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((5, 3)), offset=rng.standard_normal(3))
    codes = rng.uniform(0.5, 1.5, size=(4, 5))
    return rng.standard_normal((4, 3)), dictionary, codes, rng.standard_normal((4, 5))


@penalties
def test_lasso_loss_is_the_mean_objective(problem, penalty):
    X, dictionary, codes, _ = problem
    codes[0, 2] = 0
    value, terms, _ = LassoLoss(penalty)(X, dictionary, codes)
    assert value == pytest.approx(objective(X, codes, dictionary, penalty).mean(), rel=1e-12)
    assert terms["fit"] + terms["penalty"] == value


@penalties
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_of_the_lasso_loss(problem, penalty, weighted):
    X, dictionary, codes, _ = problem
    weight = np.array([0.5, 2.0, 0.0, 1.0]) if weighted else None
    loss = LassoLoss(penalty)

    def function(codes, atoms, offset):
        return loss(X, Dictionary(atoms, offset), codes, sample_weight=weight)[0]

    def backward(upstream, codes, atoms, offset):
        given = Dictionary(atoms, offset)
        result = loss.evaluate(X, given, codes, sample_weight=weight, dictionary_grads=True)
        return [
            upstream * g for g in (result.dcodes, result.grads["atoms"], result.grads["offset"])
        ]

    assert gradcheck(function, backward, codes, dictionary.atoms, dictionary.offset) < 1e-6


def test_gradient_of_the_supervised_loss(problem):
    X, dictionary, codes, target = problem
    weight = np.array([0.5, 2.0, 0.0, 1.0])
    loss = SupervisedLoss()
    value, terms, _ = loss(X, dictionary, codes, target)
    assert value == terms["error"] == pytest.approx(((codes - target) ** 2).sum(axis=1).mean())
    gradcheck(
        lambda codes: loss(X, dictionary, codes, target, weight)[0],
        lambda upstream, codes: upstream * loss(X, dictionary, codes, target, weight)[2],
        codes,
    )


@pytest.mark.parametrize("loss", [LassoLoss(L1(0.2)), SupervisedLoss()], ids=repr)
def test_weights_are_repetitions(problem, loss):
    X, dictionary, codes, target = problem
    target = target if loss.uses_target else None
    weight = np.array([2, 0, 1, 3])
    again = [None if a is None else np.repeat(a, weight, axis=0) for a in (X, codes, target)]
    value, _, dcodes = loss(X, dictionary, codes, target, weight)
    repeated = loss(again[0], dictionary, again[1], again[2])
    assert value == pytest.approx(repeated[0], rel=1e-12)
    rows = np.repeat(np.arange(4), weight)
    sums = np.zeros_like(codes)
    np.add.at(sums, rows, repeated[2])
    np.testing.assert_allclose(dcodes, sums, rtol=1e-12)


@pytest.mark.parametrize("loss", [LassoLoss(L1(0.2)), SupervisedLoss()], ids=repr)
def test_float32_stays_and_nothing_is_written_to(problem, loss):
    X, dictionary, codes, target = problem
    arrays = [a.astype(np.float32) for a in (X, codes, target)]
    for array in arrays:
        array.flags.writeable = False
    dictionary = dictionary.astype(np.float32)
    target = arrays[2] if loss.uses_target else None
    result = loss.evaluate(arrays[0], dictionary, arrays[1], target, dictionary_grads=True)
    assert result.dcodes.dtype == np.float32
    assert all(grad.dtype == np.float32 for grad in result.grads.values())


@pytest.mark.parametrize("loss", [LassoLoss(), SupervisedLoss(), AutoencoderLoss()], ids=repr)
def test_gradients_in_the_dictionary_are_only_computed_where_asked_for(problem, loss):
    X, dictionary, codes, target = problem
    target = target if loss.uses_target else None
    assert loss.evaluate(X, dictionary, codes, target).grads == {}
    asked = loss.evaluate(X, dictionary, codes, target, dictionary_grads=True).grads
    assert set(asked) == (set() if loss.uses_target else {"atoms", "offset"})


def test_nan_is_told_by_the_value(problem):
    X, dictionary, codes, target = problem
    codes[1, 1] = np.nan
    assert np.isnan(LassoLoss()(X, dictionary, codes)[0])
    assert np.isnan(SupervisedLoss()(X, dictionary, codes, target)[0])


def test_targets_of_another_shape(problem):
    X, dictionary, codes, target = problem
    for wrong in (target[:, :3], None):
        with pytest.raises(ValueError, match=r"target has shape .*; expected \(4, 5\)"):
            SupervisedLoss()(X, dictionary, codes, wrong)


def test_loss_of_a_transcoder_is_that_of_an_autoencoder_of_what_is_left(problem, rng):
    X, dictionary, codes, _ = problem
    y, skip = rng.standard_normal((2, 4, 3))
    weight = np.arange(4.0)
    loss, other = TranscoderLoss([L1(0.2)], skip=True), AutoencoderLoss([L1(0.2)])
    context = LossContext(signals={"skip": skip})
    result = loss.evaluate(X, dictionary, codes, y, weight, dictionary_grads=True, context=context)
    expected = other.evaluate(y - skip, dictionary, codes, None, weight, dictionary_grads=True)
    assert result.value == pytest.approx(expected.value)
    np.testing.assert_allclose(result.dcodes, expected.dcodes)
    np.testing.assert_allclose(np.asarray(result.grads["atoms"]), expected.grads["atoms"].dense())
    # The gradient in the offset is the sum of those in every part of a prediction.
    np.testing.assert_allclose(result.dsignals["skip"].sum(axis=0), expected.grads["offset"])
    assert "skip" not in expected.dsignals and loss.uses_target
    assert loss.needs == ("skip",) and TranscoderLoss().needs == ()
