"""Elementwise activation functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._validation import check_number
from sparsecode.ops._operands import operand, result_array


def relu_forward(
    A: np.ndarray, *, out: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """ReLU: rectifier, ``max(A, 0)``.

    Parameters
    ----------
    A : ndarray
    out : ndarray of the shape of `A` or None, default=None
        Array for the result; may be `A` itself.

    Returns
    -------
    out : ndarray of the shape of `A`
    cache : tuple

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import relu_backward, relu_forward
    >>> out, cache = relu_forward(np.array([-1.0, 2.0]))
    >>> out, relu_backward(np.array([3.0, 3.0]), cache)
    (array([0., 2.]), (array([0., 3.]),))
    """
    A = operand(A, "A")
    out = np.maximum(A, 0, out=result_array(out, A))
    return out, (out,)


def relu_backward(
    dout: np.ndarray, cache: tuple[Any, ...], *, out: np.ndarray | None = None
) -> tuple[np.ndarray]:
    """Gradient of `relu_forward`.

    Parameters
    ----------
    dout : ndarray
    cache : tuple
    out : ndarray of the shape of `dout` or None, default=None
        Array for the gradient; may be `dout` itself.

    Returns
    -------
    gradients : tuple of one ndarray

    Examples
    --------
    See `relu_forward`.
    """
    return (np.multiply(dout, cache[0] > 0, out=out),)


def leaky_relu_forward(A: np.ndarray, *, slope: float = 0.01) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Leaky ReLU, ``max(A, 0) + slope * min(A, 0)``.

    Parameters
    ----------
    A : ndarray
    slope : float, default=0.01

    Returns
    -------
    out : ndarray of the shape of `A`
    cache : tuple

    References
    ----------
    A. Maas, A. Hannun and A. Ng, "Rectifier nonlinearities improve neural network acoustic models",
    2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import leaky_relu_backward, leaky_relu_forward
    >>> out, cache = leaky_relu_forward(np.array([-1.0, 2.0]), slope=0.25)
    >>> out, leaky_relu_backward(np.array([4.0, 4.0]), cache)
    (array([-0.25,  2.  ]), (array([1., 4.]),))
    """
    A = operand(A, "A")
    slope = A.dtype.type(check_number(slope, "slope"))
    return np.where(A > 0, A, slope * A), (A, slope)


def leaky_relu_backward(dout: np.ndarray, cache: tuple[Any, ...]) -> tuple[np.ndarray]:
    """Gradient of `leaky_relu_forward`.

    Parameters
    ----------
    dout : ndarray
    cache : tuple

    Returns
    -------
    gradients : tuple of one ndarray

    Examples
    --------
    See `leaky_relu_forward`.
    """
    A, slope = cache
    return (dout * np.where(A > 0, A.dtype.type(1), np.where(A < 0, slope, A.dtype.type(0))),)


def sigmoid_forward(A: np.ndarray) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Sigmoid: logistic function, ``1 / (1 + exp(-A))``, without overflow.

    Parameters
    ----------
    A : ndarray

    Returns
    -------
    out : ndarray of the shape of `A`
    cache : tuple

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import sigmoid_backward, sigmoid_forward
    >>> out, cache = sigmoid_forward(np.array([0.0, -1000.0]))
    >>> out, sigmoid_backward(np.array([4.0, 4.0]), cache)
    (array([0.5, 0. ]), (array([1., 0.]),))
    """
    A = operand(A, "A")
    # exp of a negative number cannot overflow.
    small = np.exp(-np.abs(A))
    out = np.where(A >= 0, A.dtype.type(1), small) / (1 + small)
    return out, (out,)


def sigmoid_backward(dout: np.ndarray, cache: tuple[Any, ...]) -> tuple[np.ndarray]:
    """Gradient of `sigmoid_forward`, ``dout * out * (1 - out)``.

    Parameters
    ----------
    dout : ndarray
    cache : tuple

    Returns
    -------
    gradients : tuple of one ndarray

    Examples
    --------
    See `sigmoid_forward`.
    """
    (out,) = cache
    return (dout * out * (1 - out),)


def tanh_forward(A: np.ndarray) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Hyperbolic tangent.

    Parameters
    ----------
    A : ndarray

    Returns
    -------
    out : ndarray of the shape of `A`
    cache : tuple

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import tanh_backward, tanh_forward
    >>> out, cache = tanh_forward(np.array([0.0]))
    >>> tanh_backward(np.array([3.0]), cache)
    (array([3.]),)
    """
    out = np.tanh(operand(A, "A"))
    return out, (out,)


def tanh_backward(dout: np.ndarray, cache: tuple[Any, ...]) -> tuple[np.ndarray]:
    """Gradient of `tanh_forward`, ``dout * (1 - out ** 2)``.

    Parameters
    ----------
    dout : ndarray
    cache : tuple

    Returns
    -------
    gradients : tuple of one ndarray

    Examples
    --------
    See `tanh_forward`.
    """
    (out,) = cache
    return (dout * (1 - out**2),)
