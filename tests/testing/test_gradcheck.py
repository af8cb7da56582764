"""The gradient check passes right gradients and sees wrong ones."""

import numpy as np
import pytest

from sparsecode.testing import gradcheck


def affine(x, W, b):
    return np.tanh(x @ W + b)


def backward(upstream, x, W, b):
    inner = upstream * (1 - affine(x, W, b) ** 2)
    return inner @ W.T, x.T @ inner, inner.sum(axis=0)


@pytest.fixture
def point(rng):
    return rng.standard_normal((4, 3)), rng.standard_normal((3, 2)), rng.standard_normal(2)


def test_passes_a_right_gradient(point):
    assert gradcheck(affine, backward, *point) < 1e-8


MUTANTS = {
    "factor": lambda u, x, W, b: (2 * backward(u, x, W, b)[0], *backward(u, x, W, b)[1:]),
    "sign": lambda u, x, W, b: (*backward(u, x, W, b)[:2], -backward(u, x, W, b)[2]),
    "no derivative": lambda u, x, W, b: (u @ W.T, x.T @ u, u.sum(axis=0)),
    "one entry": lambda u, x, W, b: (
        backward(u, x, W, b)[0],
        backward(u, x, W, b)[1] + np.array([[0, 0], [0, 1e-4], [0, 0]]),
        backward(u, x, W, b)[2],
    ),
    "NaN": lambda u, x, W, b: (np.full_like(x, np.nan), *backward(u, x, W, b)[1:]),
    "ignores upstream": lambda u, x, W, b: backward(np.ones_like(u), x, W, b),
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_sees_a_wrong_gradient(point, mutant):
    with pytest.raises(AssertionError, match=r"gradient of array \d, entry .*relative error"):
        gradcheck(affine, mutant, *point)


def test_shapes_counts_and_skips(point):
    with pytest.raises(AssertionError, match=r"gradient of array 0 has shape \(3, 4\)"):
        gradcheck(affine, lambda u, *a: (backward(u, *a)[0].T, None, None), *point)
    with pytest.raises(AssertionError, match="returned 1 gradients; expected 3"):
        gradcheck(affine, lambda u, *a: backward(u, *a)[0], *point)
    only_b = gradcheck(affine, lambda u, *a: (None, None, backward(u, *a)[2]), *point)
    assert 0 < only_b < 1e-8


def test_zero_gradients_and_scalars():
    assert gradcheck(lambda x: 0 * x, lambda u, x: 0 * u, [1.0, 2.0]) == 0
    assert gradcheck(lambda x: x @ x, lambda u, x: 2 * u * x, [1.0, 2.0]) < 1e-8
    # A gradient that is 0 beside others that are not is known up to rounding only.
    gradcheck(lambda x: (x - 1) ** 2 + 5, lambda u, x: 2 * u * (x - 1), [1.0])


def test_leaves_its_arguments_alone(point):
    for array in point:
        array.flags.writeable = False
    gradcheck(affine, backward, *point)
