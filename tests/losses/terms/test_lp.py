"""Powers of the codes."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.losses import AutoencoderLoss, LossContext, Lp
from sparsecode.penalties import L1
from sparsecode.schedules import Linear


def cost(term, codes, step=0):
    loss = AutoencoderLoss([term])
    zeros, dictionary = np.zeros_like(codes), Dictionary(np.eye(codes.shape[1]))
    result = loss.evaluate(zeros, dictionary, codes, context=LossContext(step=step))
    return result.value - result.terms["fit"], result.dcodes - codes / len(codes)


def test_an_exponent_of_one_is_the_l1_penalty(rng):
    codes = rng.standard_normal((4, 3))
    found, expected = cost(Lp(1.0, weight=0.3), codes), cost(L1(0.3), codes)
    assert found[0] == pytest.approx(expected[0])
    np.testing.assert_allclose(found[1], expected[1])


def test_an_exponent_of_two_is_the_squared_norm_as_epsilon_vanishes(rng):
    codes = rng.standard_normal((4, 3))
    found = cost(Lp(2.0, weight=0.5, epsilon=1e-12), codes)
    assert found[0] == pytest.approx((codes**2).sum(axis=1).mean() / 2)
    np.testing.assert_allclose(found[1], codes / 4)


def test_a_small_exponent_counts_nonzeros():
    codes = np.array([[0.3, 0.0, 5.0]])
    assert cost(Lp(1e-2, epsilon=1e-300), codes)[0] == pytest.approx(2, abs=0.01)


def test_the_exponent_is_annealed():
    codes = np.array([[0.3, 0.0, 5.0]])
    annealed = Lp(Linear(1.0, 0.5, n_steps=10))
    for step, p in ((0, 1.0), (4, 0.8), (10, 0.5), (99, 0.5)):
        assert cost(annealed, codes, step)[0] == pytest.approx(cost(Lp(p), codes)[0])


@pytest.mark.parametrize("options", [{"p": 0.0}, {"p": -1.0}, {"epsilon": 0.0}])
def test_numbers_that_are_not_positive_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} is"):
        cost(Lp(**options), np.ones((1, 1)))
