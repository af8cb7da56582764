"""Affine map, forward and backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._parallel import product
from sparsecode.ops._operands import operand


def linear_forward(
    X: np.ndarray, W: np.ndarray, b: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Affine map, ``X @ W + b``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_inputs)
    W : ndarray of shape (n_inputs, n_outputs)
    b : ndarray of shape (n_outputs,) or None, default=None

    Returns
    -------
    out : ndarray of shape (n_samples, n_outputs)
    cache : tuple

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import linear_backward, linear_forward
    >>> out, cache = linear_forward(np.array([[1.0, 2.0]]), np.eye(2), np.array([0.5, 0.0]))
    >>> out
    array([[1.5, 2. ]])
    >>> dX, dW, db = linear_backward(np.array([[1.0, 0.0]]), cache)
    >>> dW
    array([[1., 0.],
           [2., 0.]])
    """
    X, W = operand(X, "X", ndim=2), operand(W, "W", ndim=2)
    if X.shape[1] != W.shape[0]:
        raise ValueError(
            f"W has {W.shape[0]} rows but X has {X.shape[1]} columns; expected the same number. "
            "Give one row of W for each input."
        )
    out = product(X, W)
    if b is not None:
        operand(b, "b", shape=out.shape[1:])
        out += b
    return out, (X, W, b)


def linear_backward(
    dout: np.ndarray, cache: tuple[Any, ...], *, with_input: bool = True
) -> tuple[Any, ...]:
    """Gradients of `linear_forward`.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_outputs)
    cache : tuple
    with_input : bool, default=True
        Whether to compute `dX`, which is not needed if `X` are samples.

    Returns
    -------
    dX, dW, db : ndarrays of the shapes of the inputs, or None: `dX` where it is not wanted, `db`
        where `b` was None

    Examples
    --------
    See `linear_forward`.
    """
    X, W, b = cache
    dX = product(dout, W.T) if with_input else None
    return dX, product(X.T, dout), None if b is None else dout.sum(axis=0)
