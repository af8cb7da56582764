"""Softmax: against scipy, at any size, and its gradient on the simplex."""

import numpy as np
import pytest
from scipy.special import softmax

from sparsecode.ops import softmax_backward, softmax_forward

A = np.random.default_rng(0).standard_normal((5, 8))


@pytest.mark.parametrize("temperature", [0.1, 1.0, 7.0])
def test_against_scipy(temperature):
    out, _ = softmax_forward(A, temperature=temperature)
    np.testing.assert_allclose(out, softmax(A / temperature, axis=1), rtol=1e-12)
    same = A.copy()
    assert softmax_forward(same, temperature=temperature, out=same)[0] is same
    np.testing.assert_array_equal(same, out)


def test_large_values_overflow_nothing():
    out, _ = softmax_forward(np.array([[1e300, 1e300, -1e300], [0.0, 800.0, -800.0]]))
    np.testing.assert_array_equal(out, [[0.5, 0.5, 0], [0, 1, 0]])


def test_gradients_sum_to_0():
    """Adding the same number to all entries changes nothing."""
    _, cache = softmax_forward(A, temperature=0.3)
    (dA,) = softmax_backward(np.exp(A), cache)
    np.testing.assert_allclose(dA.sum(axis=1), 0, atol=1e-12)
