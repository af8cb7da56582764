"""Estimated derivatives: their formula, and the mean over a uniform shift that they are of."""

import numpy as np
import pytest

from sparsecode.ops import (
    gated_forward,
    jumprelu_backward,
    jumprelu_forward,
    step_backward,
    step_forward,
)

A = np.array([[0.9, 1.1, 0.2], [1.3, 0.7, 1.21]])
THETA = np.array([1.0, 0.8, 1.2])
BANDWIDTH = 0.5


def shifted_mean(a, theta, power):
    """Mean of ``x^power 1[x > theta]`` for `x` uniform in a window of `BANDWIDTH` around `a`."""
    low, high = a - BANDWIDTH / 2, a + BANDWIDTH / 2
    cut = np.clip(theta, low, high)
    return (high ** (power + 1) - cut ** (power + 1)) / ((power + 1) * BANDWIDTH)


@pytest.mark.parametrize(
    ("forward", "backward", "power"),
    [(jumprelu_forward, jumprelu_backward, 1), (step_forward, step_backward, 0)],
    ids=["jumprelu", "step"],
)
def test_estimate_is_the_derivative_of_the_mean_over_a_shift(forward, backward, power, rng):
    upstream, step = rng.standard_normal(A.shape), 1e-6
    _, dtheta = backward(upstream, forward(A, THETA, bandwidth=BANDWIDTH)[1])
    above, below = (shifted_mean(A, THETA + s, power) for s in (step, -step))
    expected = (upstream * (above - below) / (2 * step)).sum(axis=0)
    np.testing.assert_allclose(dtheta, expected, rtol=1e-6)
    assert np.abs(expected).min() > 0.1


def test_estimates_by_their_formula(rng):
    upstream = rng.standard_normal(A.shape)
    window = np.abs((A - THETA) / BANDWIDTH) < 0.5
    assert window.any() and not window.all()
    out, cache = jumprelu_forward(A, THETA, bandwidth=BANDWIDTH)
    dA, dtheta = jumprelu_backward(upstream, cache)
    np.testing.assert_array_equal(out, np.where(A > THETA, A, 0))
    np.testing.assert_array_equal(dA, np.where(A > THETA, upstream, 0))
    np.testing.assert_allclose(dtheta, -THETA / BANDWIDTH * (window * upstream).sum(axis=0))
    out, cache = step_forward(A, THETA, bandwidth=BANDWIDTH)
    dA, dtheta = step_backward(upstream, cache)
    np.testing.assert_array_equal(out, A > THETA)
    assert dA is None
    np.testing.assert_allclose(dtheta, -(window * upstream).sum(axis=0) / BANDWIDTH)


def test_in_place_and_not_a_number():
    given = np.array([[2.0, np.nan, -np.inf]])
    expected, _ = jumprelu_forward(given, 0.5, bandwidth=0.1)
    np.testing.assert_array_equal(expected, [[2.0, np.nan, 0.0]])
    out, _ = jumprelu_forward(given, 0.5, bandwidth=0.1, out=given)
    assert out is given
    np.testing.assert_array_equal(given, expected)


def test_an_open_gate_is_a_rectifier(rng):
    V, wide = rng.standard_normal((5, 3)), np.full(3, 10.0)
    zero = np.zeros(3)
    np.testing.assert_allclose(gated_forward(V, zero, wide, zero)[0], np.maximum(V, 0))
    assert not gated_forward(V, zero, -wide, zero)[0].any()
