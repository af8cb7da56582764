"""The affine map."""

from __future__ import annotations


def linear_forward(X, W, b=None):
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
    out = X @ W
    if b is not None:
        out += b
    return out, (X, W, b)


def linear_backward(dout, cache):
    """Gradients of `linear_forward`.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_outputs)
    cache : tuple

    Returns
    -------
    dX, dW, db : ndarrays of the shapes of the inputs; `db` is None where `b` was

    Examples
    --------
    See `linear_forward`.
    """
    X, W, b = cache
    return dout @ W.T, X.T @ dout, None if b is None else dout.sum(axis=0)
