"""Activations against closed forms; their gradients are checked with all primitives."""

import numpy as np
import pytest
from scipy.special import expit

from sparsecode import ops


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_of_any_size(dtype):
    A = np.array([-1e4, -800, -30, -1, 0, 1, 30, 800, 1e4], dtype=dtype)
    out, cache = ops.sigmoid_forward(A)
    np.testing.assert_allclose(out, expit(A), rtol=4 * np.finfo(dtype).eps)
    (dA,) = ops.sigmoid_backward(np.ones_like(A), cache)
    assert np.isfinite(dA).all() and (dA >= 0).all()


def test_leaky_relu_is_two_rectifiers(rng):
    A, dout = rng.standard_normal((2, 6, 7))
    positive, back = ops.relu_forward(A)
    negative, forth = ops.relu_forward(-A)
    out, cache = ops.leaky_relu_forward(A, slope=0.2)
    np.testing.assert_allclose(out, positive - 0.2 * negative)
    expected = ops.relu_backward(dout, back)[0] + 0.2 * ops.relu_backward(dout, forth)[0]
    np.testing.assert_allclose(ops.leaky_relu_backward(dout, cache)[0], expected)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_derivative_at_the_kink_is_zero(name):
    A = np.zeros(3)
    _, cache = getattr(ops, f"{name}_forward")(A)
    (dA,) = getattr(ops, f"{name}_backward")(np.ones(3), cache)
    assert (dA == 0).all()


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_what_is_no_number_stays_none(name):
    out, _ = getattr(ops, f"{name}_forward")(np.array([np.nan, 1.0]))
    assert np.isnan(out[0]) and not np.isnan(out[1])


def test_relu_in_place(rng):
    A, dout = rng.standard_normal((2, 5, 4))
    expected, cache = ops.relu_forward(A)
    (gradient,) = ops.relu_backward(dout, cache)
    out, cache = ops.relu_forward(A, out=A)
    assert out is A
    np.testing.assert_array_equal(A, expected)
    assert ops.relu_backward(dout, cache, out=dout)[0] is dout
    np.testing.assert_array_equal(dout, gradient)
