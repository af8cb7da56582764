"""The elastic net: between the lasso and ridge."""

import numpy as np
import pytest

from sparsecode.penalties import L1, ElasticNet
from sparsecode.testing import check_penalty


@pytest.mark.parametrize("alpha", [0.0, 1.0, 1e3])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("positive", [False, True])
def test_contract(alpha, l1_ratio, positive):
    check_penalty(ElasticNet(alpha, l1_ratio, positive))


@pytest.mark.parametrize("positive", [False, True])
def test_is_l1_at_ratio_1(rng, positive):
    V = rng.standard_normal((10, 3))
    one, other = ElasticNet(0.4, 1.0, positive), L1(0.4, positive=positive)
    np.testing.assert_array_equal(one.prox(V, 0.7), other.prox(V, 0.7))
    np.testing.assert_allclose(one.value(np.abs(V)), other.value(np.abs(V)))
    np.testing.assert_array_equal(one.dual_excess(V), other.dual_excess(V))
    assert one.alpha_max(V) == other.alpha_max(V)


def test_is_ridge_at_ratio_0(rng):
    V = rng.standard_normal((10, 3))
    penalty = ElasticNet(0.4, 0.0)
    np.testing.assert_allclose(penalty.prox(V, 2.0), V / 1.8)
    np.testing.assert_allclose(penalty.value(V), 0.2 * (V**2).sum(axis=1))
    np.testing.assert_allclose(penalty.grad(V), 0.4 * V)
    np.testing.assert_allclose(penalty.conjugate(V), (V**2).sum(axis=1) / 0.8)


def test_is_convex_and_has_kinks():
    assert ElasticNet.convex and ElasticNet.separable and not ElasticNet.smooth


def test_formula():
    penalty = ElasticNet(2.0, 0.25)
    np.testing.assert_allclose(penalty.value([[3.0, -1.0]]), 2 * (0.25 * 4 + 0.75 / 2 * 10))
    np.testing.assert_allclose(penalty.prox([[3.0]], 1.0), (3 - 0.5) / (1 + 1.5))


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (ElasticNet(l1_ratio=1.5), "l1_ratio is 1.5; expected l1_ratio >= 0 and l1_ratio <= 1"),
        (ElasticNet(l1_ratio=-0.1), "l1_ratio is -0.1"),
        (ElasticNet(positive="yes"), "positive is 'yes'; expected True or False"),
    ],
)
def test_errors_say_what_to_do(penalty, message):
    with pytest.raises(ValueError, match=message):
        penalty.value([[1.0]])
