"""Every broken pair is seen, and the message names what is broken."""

import numpy as np
import pytest

from sparsecode.ops import linear_backward, linear_forward, tanh_backward, tanh_forward
from sparsecode.testing import check_op


@pytest.fixture
def A(rng):
    return rng.standard_normal((3, 4))


def wrong_factor(dout, cache):
    return (2 * tanh_backward(dout, cache)[0],)


def not_a_tuple(dout, cache):
    return tanh_backward(dout, cache)[0]


def spoils_its_cache(dout, cache):
    gradients = tanh_backward(dout, cache)
    cache[0][:] = 0
    return gradients


def double(dout, cache):
    return (tanh_backward(dout, cache)[0].astype(np.float64),)


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (wrong_factor, "tanh_forward: gradient of array 0"),
        (not_a_tuple, "not a tuple"),
        (spoils_its_cache, "uses up its cache"),
        (double, "float32 becomes float64"),
    ],
)
def test_a_broken_backward(A, backward, message):
    with pytest.raises(AssertionError, match=message):
        check_op(tanh_forward, backward, A)


def test_a_forward_that_writes_to_its_input(A):
    def in_place(A):
        return np.tanh(A, out=A), (A,)

    with pytest.raises(ValueError, match="read-only"):
        check_op(in_place, tanh_backward, A)


def test_a_swapped_transpose(rng):
    def swapped(dout, cache):
        return dout @ cache[1], *linear_backward(dout, cache)[1:]

    X, W, b = rng.standard_normal((3, 4)), rng.standard_normal((4, 4)), rng.standard_normal(4)
    check_op(linear_forward, linear_backward, X, W, b)
    with pytest.raises(AssertionError, match="gradient of array 0"):
        check_op(linear_forward, swapped, X, W, b)
