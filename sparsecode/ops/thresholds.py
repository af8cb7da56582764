"""Soft thresholds with trainable threshold, with and without support selection."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode import _jit
from sparsecode._validation import check_flag, check_integer
from sparsecode.ops._bisection import least_selected, octave, sized_buffer
from sparsecode.ops._operands import result_array, thresholding_operands


def soft_threshold_forward(
    V: np.ndarray,
    theta: float | np.ndarray,
    *,
    positive: bool = False,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Soft threshold, ``sign(V) * max(|V| - theta, 0)``, with a trainable threshold.

    Parameters
    ----------
    V : ndarray of shape (n_samples, n_components)
    theta : float, or ndarray of shape () or (n_components,)
        One threshold, or one for each component. Negative thresholds count as 0.
    positive : bool, default=False
        Whether to compute ``max(V - theta, 0)`` instead, for non-negative codes.
    out : ndarray of the shape of `V` or None, default=None
        Array for the result; may be `V` itself.

    Returns
    -------
    out : ndarray of shape (n_samples, n_components)
    cache : tuple

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import soft_threshold_backward, soft_threshold_forward
    >>> out, cache = soft_threshold_forward(np.array([[2.0, -0.3, -1.5]]), 0.5)
    >>> out
    array([[ 1.5,  0. , -1. ]])
    >>> dV, dtheta = soft_threshold_backward(np.ones((1, 3)), cache)
    >>> dV, float(dtheta)
    (array([[1., 0., 1.]]), 0.0)
    """
    positive = check_flag(positive, "positive")
    return shrunk_sum(V, 1.0, None, theta, positive, out)


def shrunk_sum(V, scale, added, theta, positive, out=None):
    """`soft_threshold_forward` of ``scale * V + added``, or of `V` alone."""
    V, theta, out = thresholding_operands(V, theta, out)
    _shrink_rows(V, _sum_of(V, scale, added), _limits(V, theta), positive, out)
    return out, (out, theta)


def soft_threshold_backward(
    dout: np.ndarray, cache: tuple[Any, ...], *, out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of `soft_threshold_forward`.

    ``dV = dout`` and ``dtheta = -sum of sign(out) * dout``, both where the output is not 0.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_components)
    cache : tuple
    out : ndarray of the shape of `dout` or None, default=None
        Array for `dV`; may be `dout` itself.

    Returns
    -------
    dV : ndarray of shape (n_samples, n_components)
    dtheta : ndarray of the shape of `theta`
        Gradient in `theta`, 0 for negative thresholds.

    Examples
    --------
    See `soft_threshold_forward`.
    """
    codes, theta = cache
    dV, total = result_array(out, codes), np.zeros(codes.shape[1], dtype=codes.dtype)
    _unshrink_rows(dout, codes, dV, total)
    return dV, _threshold_gradient(total, theta)


def support_threshold_forward(
    V: np.ndarray,
    theta: float | np.ndarray,
    *,
    n_selected: int,
    positive: bool = False,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Soft threshold with support selection: the largest entries of a row are not shrunk.

    Among the entries of a row above their threshold, the `n_selected` largest in magnitude stay the
    same, and the others are shrunk by the threshold. All entries equal to the last selected one
    stay the same.

    Parameters
    ----------
    V : ndarray of shape (n_samples, n_components)
    theta : float, or ndarray of shape () or (n_components,)
        A negative one counts as 0.
    n_selected : int
    positive : bool, default=False
    out : ndarray of the shape of `V` or None, default=None
        Array for the result; may be `V` itself.

    Returns
    -------
    out : ndarray of shape (n_samples, n_components)
    cache : tuple

    References
    ----------
    X. Chen, J. Liu, Z. Wang and W. Yin, "Theoretical linear convergence of unfolded ISTA and its
    practical weights and thresholds", 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import support_threshold_backward, support_threshold_forward
    >>> V = np.array([[2.0, -0.3, -1.5]])
    >>> out, cache = support_threshold_forward(V, 0.5, n_selected=1)
    >>> out
    array([[ 2.,  0., -1.]])
    >>> dV, dtheta = support_threshold_backward(np.ones((1, 3)), cache)
    >>> dV, float(dtheta)
    (array([[1., 0., 1.]]), 1.0)
    """
    n_selected = check_integer(n_selected, "n_selected", low=0)
    positive = check_flag(positive, "positive")
    return selected_sum(V, 1.0, None, theta, n_selected, positive, out)


def selected_sum(V, scale, added, theta, n_selected, positive, out=None):
    """`support_threshold_forward` of the sum that `shrunk_sum` takes."""
    V, theta, out = thresholding_operands(V, theta, out)
    sizes, bits = sized_buffer(V.shape[1], V.dtype)
    least = np.empty(len(V), dtype=bits.dtype)
    work, limits = (sizes, bits, octave(V.dtype)), _limits(V, theta)
    _select_rows(V, _sum_of(V, scale, added), limits, n_selected, positive, work, out, least)
    return out, (out, least.view(V.dtype), theta)


def support_threshold_backward(
    dout: np.ndarray, cache: tuple[Any, ...], *, out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of `support_threshold_forward`; selected entries add nothing to `dtheta`.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_components)
    cache : tuple
    out : ndarray of the shape of `dout` or None, default=None
        Array for `dV`; may be `dout` itself.

    Returns
    -------
    dV : ndarray of shape (n_samples, n_components)
    dtheta : ndarray of the shape of `theta`

    Examples
    --------
    See `support_threshold_forward`.
    """
    codes, least, theta = cache
    dV, total = result_array(out, codes), np.zeros(codes.shape[1], dtype=codes.dtype)
    _unselect_rows(dout, codes, least, dV, total)
    return dV, _threshold_gradient(total, theta)


def _limits(V, theta):
    """The threshold of each component."""
    limits = np.empty(V.shape[1], dtype=V.dtype)
    limits[:] = np.maximum(theta, 0)
    return limits


def _threshold_gradient(total, theta):
    """Gradient of thresholds from the sums of gradients times signs, for each component."""
    total = total.sum() if theta.ndim == 0 else total
    # A negative one counts as 0 wherever it is.
    return np.where(theta >= 0, 0 - total, 0).astype(theta.dtype)


def _sum_of(V, scale, added):
    """Terms of a sum for a kernel: whether there is one, scale, what is added, and a row for it."""
    row = np.empty(V.shape[1], dtype=V.dtype)
    return added is not None, V.dtype.type(scale), V if added is None else added, row


@_jit.inner
def _sum_row(row, terms, s):
    """Fill a row that stays in the cache with a row of the sum, or with the row itself."""
    has_added, scale, added, total = terms
    if has_added:
        other = added[s]
        for j in range(total.shape[0]):
            total[j] = scale * row[j] + other[j]
    else:
        for j in range(total.shape[0]):
            total[j] = row[j]


@_jit.kernel
def _shrink_rows(V, terms, limits, positive, out):
    zero = V.dtype.type(0)
    row = terms[-1]
    for s in range(V.shape[0]):
        result = out[s]
        _sum_row(V[s], terms, s)
        if positive:
            for j in range(limits.shape[0]):
                size = row[j] - limits[j]
                result[j] = zero if size <= 0 else size
        else:
            for j in range(limits.shape[0]):
                cut = limits[j] if row[j] > limits[j] else row[j]
                result[j] = row[j] - (-limits[j] if row[j] < -limits[j] else cut)


@_jit.kernel
def _unshrink_rows(dout, out, dV, total):
    zero = out.dtype.type(0)
    for s in range(out.shape[0]):
        grads, row, result = dout[s], out[s], dV[s]
        for j in range(total.shape[0]):
            total[j] += grads[j] if row[j] > 0 else zero
            total[j] -= grads[j] if row[j] < 0 else zero
            result[j] = grads[j] if row[j] != 0 else zero


@_jit.kernel
def _unselect_rows(dout, out, least, dV, total):
    zero = out.dtype.type(0)
    for s in range(out.shape[0]):
        grads, row, result = dout[s], out[s], dV[s]
        for j in range(total.shape[0]):
            # Shrunk entries are smaller than all selected ones.
            total[j] += grads[j] if 0 < row[j] < least[s] else zero
            total[j] -= grads[j] if -least[s] < row[j] < 0 else zero
            result[j] = grads[j] if row[j] != 0 else zero


@_jit.kernel
def _select_rows(V, terms, limits, n_selected, positive, work, out, least):
    n, zero = V.shape[1], V.dtype.type(0)
    row, (sizes, bits, octave) = terms[-1], work
    for s in range(V.shape[0]):
        result = out[s]
        _sum_row(V[s], terms, s)
        for j in range(n):
            size = row[j] if positive else abs(row[j])
            sizes[j] = size if size > limits[j] else zero
        least[s] = bound = least_selected(bits, octave, n_selected)
        for j in range(n):
            cut = limits[j] if row[j] > 0 else -limits[j]
            cut = cut if bits[j] < bound else zero
            # Not set to 0 directly, because NaN must stay NaN.
            result[j] = row[j] - (cut if bits[j] > 0 else row[j])
