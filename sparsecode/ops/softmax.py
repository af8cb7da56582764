"""Softmax function."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._validation import check_number
from sparsecode.ops._operands import operand, result_array


def softmax_forward(
    A: np.ndarray, *, temperature: float = 1.0, out: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Softmax of each row, ``exp(A / temperature)`` divided by its sum, without overflow.

    Parameters
    ----------
    A : ndarray of shape (n_samples, n_components)
    temperature : float, default=1.0
    out : ndarray of the shape of `A` or None, default=None
        Array for the result; may be `A` itself.

    Returns
    -------
    out : ndarray of shape (n_samples, n_components)
    cache : tuple

    References
    ----------
    J. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
    relationships to statistical pattern recognition", 1990.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import softmax_backward, softmax_forward
    >>> out, cache = softmax_forward(np.array([[1000.0, 1000.0]]))
    >>> out, softmax_backward(np.array([[4.0, 0.0]]), cache)
    (array([[0.5, 0.5]]), (array([[ 1., -1.]]),))
    """
    A = operand(A, "A", ndim=2)
    temperature = check_number(temperature, "temperature", low=0, low_open=True)
    temperature = A.dtype.type(temperature)
    out = result_array(out, A)
    # exp of numbers of at most 0 cannot overflow.
    out = np.subtract(A, A.max(axis=1, keepdims=True), out=out)
    out /= temperature
    np.exp(out, out=out)
    out /= out.sum(axis=1, keepdims=True)
    return out, (out, temperature)


def softmax_backward(dout: np.ndarray, cache: tuple[Any, ...]) -> tuple[np.ndarray]:
    """Gradient of `softmax_forward`, ``out * (dout - sum(dout * out)) / temperature``.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_components)
    cache : tuple

    Returns
    -------
    gradients : tuple of one ndarray

    Examples
    --------
    See `softmax_forward`.
    """
    out, temperature = cache
    mean = np.einsum("ij,ij->i", dout, out)[:, None]
    return (out * (dout - mean) / temperature,)
