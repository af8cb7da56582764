"""Selection of the largest entries of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode import _jit
from sparsecode._validation import check_integer
from sparsecode.ops._bisection import least_selected, octave
from sparsecode.ops._operands import operand


def batch_topk_forward(A: np.ndarray, *, k: int) -> tuple[np.ndarray, tuple[Any, ...]]:
    """BatchTopK: keep the ``k * n_samples`` largest positive entries of a batch.

    All other entries are 0. Among equal entries at the limit the first ones are kept, row by row.

    Parameters
    ----------
    A : ndarray of shape (n_samples, n_components)
    k : int
        Mean number of entries kept in a row.

    Returns
    -------
    out : ndarray of shape (n_samples, n_components)
    cache : tuple

    References
    ----------
    B. Bussmann, P. Leask and N. Nanda, "BatchTopK sparse autoencoders", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import batch_topk_backward, batch_topk_forward
    >>> out, cache = batch_topk_forward(np.array([[2.0, 3.0], [1.0, -4.0]]), k=1)
    >>> out
    array([[2., 3.],
           [0., 0.]])
    >>> batch_topk_backward(np.ones((2, 2)), cache)
    (array([[1., 1.],
           [0., 0.]]),)
    """
    A, k = operand(A, "A", ndim=2, compiled=True), check_integer(k, "k", low=0)
    kept = largest(np.ravel(A), k * len(A)).reshape(A.shape)
    out = np.where(kept, A, A.dtype.type(0))
    return out, (out,)


def batch_topk_backward(dout: np.ndarray, cache: tuple[Any, ...]) -> tuple[np.ndarray]:
    """Gradient of `batch_topk_forward`: `dout` at the entries that were kept, else 0.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_components)
    cache : tuple

    Returns
    -------
    gradients : tuple of one ndarray

    Examples
    --------
    See `batch_topk_forward`.
    """
    return (dout * (cache[0] != 0),)


def largest(values: Any, n: int) -> np.ndarray:
    """Mask of the `n` largest positive values, the first among equal ones; shape (n_values,)."""
    # NaN must stay NaN.
    kept = ~(values < (bound := least_of_largest(values, n)))
    excess = np.count_nonzero(kept) - n
    if excess > 0:
        kept[np.flatnonzero(values == bound)[-excess:]] = False
    return kept


def least_of_largest(values: Any, n: int) -> np.ndarray:
    """A positive number that the `n` largest positive values reach: and others if they are equal.

    It need not be one of the values.
    """
    # Without its sign bit, NaN counts as the largest value.
    sizes = np.abs(np.maximum(values, 0))
    bits = sizes.view(f"int{8 * values.itemsize}")
    bound = bits.dtype.type(_least(bits, octave(values.dtype), n)).view(values.dtype)
    return np.fmin(bound, values.dtype.type(np.inf))


@_jit.kernel
def _least(bits, octave, n):
    return least_selected(bits, octave, n)
