"""Selection of the largest entries of each row, or of each column."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._parallel import map_row_blocks
from sparsecode._validation import check_flag, check_integer
from sparsecode.ops._largest import keep_largest
from sparsecode.ops._operands import operand, result_array

# Columns that are copied and searched at a time.
_BLOCK_SIZE = 64


def topk_forward(
    A: np.ndarray, *, k: int, signed: bool = False, out: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """TopK: keep the `k` largest positive entries of each row, and set all others to 0.

    Among equal entries at the limit the first ones are kept. A row with fewer than `k` positive
    entries keeps all of these.

    Parameters
    ----------
    A : ndarray of shape (n_samples, n_components)
    k : int
    signed : bool, default=False
        Whether to keep the `k` entries of largest magnitude instead, of either sign.
    out : ndarray of the shape of `A` or None, default=None
        Array for the result; may be `A` itself.

    Returns
    -------
    out : ndarray of shape (n_samples, n_components)
    cache : tuple

    References
    ----------
    A. Makhzani and B. Frey, "k-sparse autoencoders", 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import topk_backward, topk_forward
    >>> out, cache = topk_forward(np.array([[2.0, -3.0, 1.0]]), k=1)
    >>> out, topk_backward(np.ones((1, 3)), cache)
    (array([[2., 0., 0.]]), (array([[1., 0., 0.]]),))
    """
    A, k = operand(A, "A", ndim=2, compiled=True), check_integer(k, "k", low=0)
    signed, out = check_flag(signed, "signed"), result_array(out, A)
    keep_largest(A, k, signed, out)
    return out, (out,)


def topk_backward(dout: np.ndarray, cache: tuple[Any, ...]) -> tuple[np.ndarray]:
    """Gradient of `topk_forward`: `dout` at the entries that were kept, else 0.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_components)
    cache : tuple

    Returns
    -------
    gradients : tuple of one ndarray

    Examples
    --------
    See `topk_forward`.
    """
    return (dout * (cache[0] != 0),)


def lifetime_topk_forward(
    A: np.ndarray, *, k: int, out: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Lifetime TopK: keep the `k` largest positive entries of each column, all others are 0.

    Among equal entries at the limit the first ones are kept. A column with fewer than `k` positive
    entries keeps all of these.

    Parameters
    ----------
    A : ndarray of shape (n_samples, n_components)
    k : int
    out : ndarray of the shape of `A` or None, default=None
        Array for the result; may be `A` itself.

    Returns
    -------
    out : ndarray of shape (n_samples, n_components)
    cache : tuple

    References
    ----------
    A. Makhzani and B. Frey, "Winner-take-all autoencoders", 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import lifetime_topk_backward, lifetime_topk_forward
    >>> out, cache = lifetime_topk_forward(np.array([[2.0, -3.0], [1.0, -1.0]]), k=1)
    >>> out
    array([[2., 0.],
           [0., 0.]])
    >>> lifetime_topk_backward(np.ones((2, 2)), cache)
    (array([[1., 0.],
           [0., 0.]]),)
    """
    A, k = operand(A, "A", ndim=2, compiled=True), check_integer(k, "k", low=0)
    out = result_array(out, A)

    def block(columns):
        units = np.array(A[:, columns].T, order="C")
        out[:, columns] = topk_forward(units, k=k, out=units)[0].T

    map_row_blocks(block, A.shape[1], block_size=_BLOCK_SIZE)
    return out, (out,)


def lifetime_topk_backward(dout: np.ndarray, cache: tuple[Any, ...]) -> tuple[np.ndarray]:
    """Gradient of `lifetime_topk_forward`: `dout` at the entries that were kept, else 0.

    Parameters
    ----------
    dout : ndarray of shape (n_samples, n_components)
    cache : tuple

    Returns
    -------
    gradients : tuple of one ndarray

    Examples
    --------
    See `lifetime_topk_forward`.
    """
    return (dout * (cache[0] != 0),)
