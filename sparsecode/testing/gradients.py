"""Gradients against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sparsecode._typing import RandomState
from sparsecode._validation import check_number, check_random_state
from sparsecode._values import check_callable
from sparsecode.testing._require import require

_STEP = np.finfo(np.float64).eps ** (1 / 3)


def gradcheck(
    function: Callable[..., Any],
    backward: Callable[..., Any],
    *arrays: Any,
    tol: float = 1e-6,
    random_state: RandomState = 0,
) -> float:
    """Compare a hand-written gradient with central differences in float64.

    The output of `function` is contracted with a random upstream gradient, so that one number is
    differentiated; every entry of every array is moved. Choose arrays away from kinks and ties.

    Parameters
    ----------
    function : callable
        ``function(*arrays) -> output``, an array of any shape or a number.
    backward : callable
        ``backward(upstream, *arrays) -> gradients``: for an upstream gradient of the shape of the
        output, the gradient of each array, of its shape. A tuple with one entry an array, or the
        gradient itself where there is one array; None skips an array.
    *arrays : array-like
        Where to differentiate; converted to float64.
    tol : float, default=1e-6
        Largest relative error: a difference of two entries, divided by the largest entry of the
        gradient of that array.
    random_state : int, RandomState instance or None, default=0
        Draws the upstream gradient.

    Returns
    -------
    error : float
        The largest relative error.

    Raises
    ------
    AssertionError
        If it is above `tol`, or a gradient has another shape than its array.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.testing import gradcheck
    >>> def product(A, B):
    ...     return A @ B
    >>> def backward(upstream, A, B):
    ...     return upstream @ B.T, A.T @ upstream
    >>> gradcheck(product, backward, np.eye(2), [[1.0, 2.0], [3.0, 4.0]]) < 1e-6
    True
    >>> gradcheck(np.square, lambda upstream, x: upstream * x, [1.0, 2.0])
    Traceback (most recent call last):
        ...
    AssertionError: gradient of array 0, entry (0,): got 1.764, central differences give 3.528...
    """
    check_callable(function, "function")
    check_callable(backward, "backward")
    tol = check_number(tol, "tol", low=0)
    arrays = [np.array(array, dtype=np.float64) for array in arrays]
    output = np.asarray(function(*arrays), dtype=np.float64)
    upstream = check_random_state(random_state).standard_normal(output.shape)
    gradients = backward(upstream, *arrays)
    if not isinstance(gradients, (tuple, list)):
        gradients = (gradients,)
    require(
        len(gradients) == len(arrays),
        f"backward returned {len(gradients)} gradients; expected {len(arrays)}, one an array",
    )

    def loss():
        return float(np.sum(upstream * function(*arrays)))

    # Differences cannot tell a gradient this small from rounding.
    floor = 1e-4 * float(np.abs(upstream * output).sum())
    errors = [
        _worst_error(loss, array, np.asarray(gradient), index, tol, floor)
        for index, (array, gradient) in enumerate(zip(arrays, gradients, strict=True))
        if gradient is not None
    ]
    return max(errors, default=0.0)


def _worst_error(loss, array, gradient, index, tol, floor):
    require(
        gradient.shape == array.shape,
        f"gradient of array {index} has shape {gradient.shape}; expected {array.shape}",
    )
    expected = np.empty_like(array)
    for entry in np.ndindex(array.shape):
        expected[entry] = _central_difference(loss, array, entry)
    unit = max(np.abs(expected).max(initial=0), np.abs(gradient).max(initial=0), floor)
    if unit == 0:
        return 0.0
    # A NaN must fail, and compares as neither larger nor smaller.
    errors = np.nan_to_num(np.abs(gradient - expected) / unit, nan=np.inf)
    entry = np.unravel_index(errors.argmax(), errors.shape)
    where = tuple(int(i) for i in entry)
    require(
        errors[entry] <= tol,
        f"gradient of array {index}, entry {where}: got {gradient[entry]:.4g}, central "
        f"differences give {expected[entry]:.4g}; relative error {errors[entry]:.1e} > {tol:.1e}",
    )
    return float(errors[entry])


def _central_difference(loss, array, entry):
    value = array[entry]
    step = _STEP * max(1.0, abs(value))
    array[entry] = value + step
    above = loss()
    array[entry] = value - step
    below = loss()
    array[entry] = value
    return (above - below) / (2 * step)
