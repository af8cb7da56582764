"""The affine map without an offset; with one it is checked with all primitives."""

import numpy as np

from sparsecode.ops import linear_backward, linear_forward


def test_without_an_offset(rng):
    X, W, dout = (rng.standard_normal(shape) for shape in ((5, 4), (4, 3), (5, 3)))
    out, cache = linear_forward(X, W)
    np.testing.assert_array_equal(out, X @ W)
    dX, dW, db = linear_backward(dout, cache)
    assert db is None
    # <dout, dX W> = <dX*, dX> for all directions: the definition of the adjoint.
    direction = rng.standard_normal(X.shape)
    np.testing.assert_allclose(np.vdot(dout, direction @ W), np.vdot(dX, direction))
    direction = rng.standard_normal(W.shape)
    np.testing.assert_allclose(np.vdot(dout, X @ direction), np.vdot(dW, direction))


def test_gradient_of_the_input_can_be_left_out(rng):
    X, W, b = rng.standard_normal((5, 4)), rng.standard_normal((4, 3)), rng.standard_normal(3)
    out, cache = linear_forward(X, W, b)
    _, dW, db = linear_backward(out, cache)
    nothing, *rest = linear_backward(out, cache, with_input=False)
    assert nothing is None
    for got, expected in zip(rest, (dW, db), strict=True):
        np.testing.assert_array_equal(got, expected)
