"""Ratios of norms: closed forms, bounds, invariance to scale."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.losses import AutoencoderLoss, Hoyer, LifetimeSparsity, PopulationSparsity


def cost(term, codes):
    loss, dictionary = AutoencoderLoss([term]), Dictionary(np.eye(codes.shape[1]))
    result = loss.evaluate(codes, dictionary, codes)
    assert result.terms["fit"] == 0
    return result.value


def test_values_are_those_of_their_definitions(rng):
    codes = rng.standard_normal((6, 4))
    sizes, squares = np.abs(codes), codes**2
    assert cost(Hoyer(), codes) == pytest.approx(
        (sizes.sum(axis=1) / np.sqrt(squares.sum(axis=1))).mean()
    )
    for term, axis in ((PopulationSparsity(), 1), (LifetimeSparsity(), 0)):
        expected = (sizes.mean(axis=axis) ** 2 / squares.mean(axis=axis)).mean()
        assert cost(term, codes) == pytest.approx(expected)


@pytest.mark.parametrize("term", [Hoyer(), PopulationSparsity(), LifetimeSparsity()], ids=repr)
def test_the_scale_of_the_codes_does_not_matter(rng, term):
    codes = rng.standard_normal((6, 4))
    assert cost(term, 3.7 * codes) == pytest.approx(cost(term, codes))
    dcodes = AutoencoderLoss([term]).evaluate(codes, Dictionary(np.eye(4)), codes).dcodes
    # So the gradient is orthogonal to the codes, and shrinks none.
    assert abs((dcodes * codes).sum()) < 1e-14


def test_bounds():
    one, all_equal = np.eye(4), np.ones((4, 4))
    assert cost(Hoyer(), one) == pytest.approx(1) and cost(Hoyer(), all_equal) == pytest.approx(2)
    for term in (PopulationSparsity(), LifetimeSparsity()):
        assert cost(term, one) == pytest.approx(1 / 4)
        assert cost(term, all_equal) == pytest.approx(1)


def test_lifetime_is_population_of_the_transposed_codes(rng):
    codes = rng.standard_normal((5, 5))
    assert cost(LifetimeSparsity(), codes) == pytest.approx(cost(PopulationSparsity(), codes.T))
