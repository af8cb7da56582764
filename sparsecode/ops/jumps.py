"""Functions with jumps, and their straight-through gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._validation import check_number
from sparsecode.ops._operands import operand, result_array, thresholds


def jumprelu_forward(
    A: np.ndarray, theta: float | np.ndarray, *, bandwidth: float, out: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """JumpReLU: hard threshold of positive values, ``A * (A > theta)``.

    Parameters
    ----------
    A : ndarray of shape (n_samples, n_components)
    theta : float, or ndarray of shape () or (n_components,)
        Positive thresholds.
    bandwidth : float
        Width, in units of `A`, of the window around a threshold whose entries give its gradient.
    out : ndarray of the shape of `A` or None, default=None
        Array for the result; may be `A` itself.

    Returns
    -------
    out : ndarray of shape (n_samples, n_components)
    cache : tuple

    References
    ----------
    S. Rajamanoharan et al., "Jumping ahead: improving reconstruction fidelity with JumpReLU sparse
    autoencoders", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import jumprelu_backward, jumprelu_forward
    >>> out, cache = jumprelu_forward(np.array([[2.0, 0.4, 0.6]]), 0.5, bandwidth=0.4)
    >>> out
    array([[2. , 0. , 0.6]])
    >>> dA, dtheta = jumprelu_backward(np.ones((1, 3)), cache)
    >>> dA, float(dtheta)
    (array([[1., 0., 1.]]), -2.5)
    """
    A = operand(A, "A", ndim=2)
    theta, out = thresholds(theta, A), result_array(out, A)
    bandwidth = check_number(bandwidth, "bandwidth", low=0, low_open=True)
    kept, window = theta < A, near(A, theta, bandwidth)
    out[:] = A
    zero_below(out, theta)
    return out, (kept, window, theta, bandwidth)


def jumprelu_backward(dout: np.ndarray, cache: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of `jumprelu_forward`, with a straight-through estimate for `theta`.

    ``dA = dout * (A > theta)`` and ``dtheta = -theta / bandwidth`` times the sum of `dout` where
    ``|A - theta| < bandwidth / 2``. This is the derivative of the expected output if a uniform
    random number in this window is added to `A`.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_components)
    cache : tuple

    Returns
    -------
    dA : ndarray of shape (n_samples, n_components)
    dtheta : ndarray of the shape of `theta`

    Examples
    --------
    See `jumprelu_forward`.
    """
    kept, window, theta, bandwidth = cache
    return dout * kept, jump_gradient(dout, window, theta, bandwidth) * theta


def step_forward(
    A: np.ndarray, theta: float | np.ndarray, *, bandwidth: float
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Step function: 1 for entries above a threshold, which the l0 norm counts, else 0.

    Parameters
    ----------
    A : ndarray of shape (n_samples, n_components)
    theta : float, or ndarray of shape () or (n_components,)
    bandwidth : float
        Width, in units of `A`, of the window around a threshold whose entries give its gradient.

    Returns
    -------
    out : ndarray of shape (n_samples, n_components)
    cache : tuple

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import step_backward, step_forward
    >>> out, cache = step_forward(np.array([[2.0, 0.4, 0.6]]), 0.5, bandwidth=0.4)
    >>> out
    array([[1., 0., 1.]])
    >>> dA, dtheta = step_backward(np.ones((1, 3)), cache)
    >>> dA, float(dtheta)
    (None, -5.0)
    """
    A = operand(A, "A", ndim=2)
    theta = thresholds(theta, A)
    bandwidth = check_number(bandwidth, "bandwidth", low=0, low_open=True)
    return (theta < A).astype(A.dtype), (near(A, theta, bandwidth), theta, bandwidth)


def step_backward(dout: np.ndarray, cache: tuple[Any, ...]) -> tuple[None, np.ndarray]:
    """Gradients of `step_forward`: None for `A`, and a straight-through estimate for `theta`.

    ``dtheta = -1 / bandwidth`` times the sum of `dout` where ``|A - theta| < bandwidth / 2``.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_components)
    cache : tuple

    Returns
    -------
    dA : None
    dtheta : ndarray of the shape of `theta`

    Examples
    --------
    See `step_forward`.
    """
    return None, jump_gradient(dout, *cache)


def zero_below(A: np.ndarray, theta: float | np.ndarray) -> None:
    """Set entries not above their threshold to 0, in place; NaN stays."""
    np.copyto(A, 0, where=theta >= A)


def near(
    A: np.ndarray, theta: float | np.ndarray, bandwidth: float, out: np.ndarray | None = None
) -> np.ndarray:
    """Mask of the entries in the window of their threshold."""
    return np.less(np.abs(A - theta), A.dtype.type(bandwidth / 2), out=out)


def jump_gradient(
    dout: Any, window: float, theta: float | np.ndarray, bandwidth: float
) -> np.ndarray:
    """Estimated gradient in `theta` of a function that jumps by 1 at `theta`."""
    inside = np.where(window, dout, dout.dtype.type(0))
    total = inside.sum(axis=None if theta.ndim == 0 else 0)
    return (-total / bandwidth).astype(theta.dtype)


def gated_forward(
    A: np.ndarray, r: np.ndarray, b_gate: np.ndarray, b_mag: np.ndarray
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Gated rectifier, with separate biases for gate and magnitude.

    ``(A + b_gate > 0) * max(A * exp(r) + b_mag, 0)``

    Parameters
    ----------
    A : ndarray of shape (n_samples, n_components)
    r : ndarray of shape (n_components,)
        Logarithm of the scale of each unit.
    b_gate, b_mag : ndarray of shape (n_components,)

    Returns
    -------
    out : ndarray of shape (n_samples, n_components)
    cache : tuple

    References
    ----------
    S. Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import gated_backward, gated_forward
    >>> r, b_gate, b_mag = np.zeros(2), np.array([-1.0, -1.0]), np.array([0.5, 0.5])
    >>> out, cache = gated_forward(np.array([[0.8, 2.0]]), r, b_gate, b_mag)
    >>> out
    array([[0. , 2.5]])
    >>> dA, dr, _, db_mag = gated_backward(np.ones((1, 2)), cache)
    >>> dA, dr, db_mag
    (array([[0., 1.]]), array([0., 2.]), array([0., 1.]))
    """
    A = operand(A, "A", ndim=2)
    for name, vector in (("r", r), ("b_gate", b_gate), ("b_mag", b_mag)):
        operand(vector, name, shape=A.shape[1:])
    out = A * np.exp(r)
    out += b_mag
    np.maximum(out, 0, out=out)
    out[A + b_gate <= 0] = 0
    return out, (out, r, b_mag)


def gated_backward(
    dout: np.ndarray, cache: tuple[Any, ...]
) -> tuple[np.ndarray, np.ndarray, None, np.ndarray]:
    """Gradients of `gated_forward`, None for `b_gate`, because the gate is a step function.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_components)
    cache : tuple

    Returns
    -------
    dA : ndarray of shape (n_samples, n_components)
    dr : ndarray of shape (n_components,)
    db_gate : None
    db_mag : ndarray of shape (n_components,)

    Examples
    --------
    See `gated_forward`.
    """
    out, r, b_mag = cache
    dA = dout * (out > 0)
    db_mag = dA.sum(axis=0)
    dr = np.einsum("ij,ij->j", dA, out) - db_mag * b_mag
    dA *= np.exp(r)
    return dA, dr, None, db_mag
