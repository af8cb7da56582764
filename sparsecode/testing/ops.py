"""The contract of a pair of functions in `sparsecode.ops`: a forward and its backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sparsecode._messages import shown
from sparsecode._typing import RandomState
from sparsecode._validation import check_number, check_random_state
from sparsecode._values import check_callable, check_list
from sparsecode.testing._require import naming, read_only, require
from sparsecode.testing.gradients import gradcheck


def check_op(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *inputs: Any,
    tol: float = 1e-6,
    random_state: RandomState = 0,
    straight_through: tuple[int, ...] = (),
    **settings: Any,
) -> None:
    """Check that a forward function and its backward belong together.

    Gradients are compared with central differences. The inputs and the upstream gradient are not
    written to, nor is the cache used up; float32 stays float32.

    Parameters
    ----------
    forward : callable
        ``forward(*inputs, **settings) -> (out, cache)``.
    backward : callable
        ``backward(dout, cache) -> gradients``: a tuple with one gradient an input, None for an
        input that has none.
    *inputs : ndarray
        Where to differentiate, away from kinks and ties.
    tol : float, default=1e-6
        Largest relative error of a gradient, as in `gradcheck`.
    random_state : int, RandomState instance or None, default=0
        Draws the upstream gradient.
    straight_through : tuple of int, default=()
        Which inputs have an estimate for a gradient, that of a jump, which is not compared.
    **settings
        Passed on to `forward`.

    Raises
    ------
    AssertionError
        Says what is broken.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.ops import tanh_backward, tanh_forward
    >>> from sparsecode.testing import check_op
    >>> check_op(tanh_forward, tanh_backward, np.array([0.5, -2.0]))
    """
    check_callable(forward, "forward")
    check_callable(backward, "backward")
    tol = check_number(tol, "tol", low=0)
    remedy = "Give the positions of these inputs."
    straight_through = check_list(straight_through, "straight_through", "a tuple of int", remedy)
    with naming(getattr(forward, "__name__", shown(forward))):
        inputs = [read_only(np.asarray(array, dtype=np.float64)) for array in inputs]
        out, cache = forward(*inputs, **settings)
        again = forward(*inputs, **settings)[0]
        require(np.array_equal(out, again), "gives another answer the second time")
        dout = read_only(check_random_state(random_state).standard_normal(out.shape))

        def compared(dout, *arrays):
            found = backward(dout, forward(*arrays, **settings)[1])
            require(isinstance(found, tuple), "the gradients are not a tuple")
            estimates = (i in straight_through for i in range(len(found)))
            return tuple(None if e else g for e, g in zip(estimates, found, strict=True))

        gradcheck(
            lambda *arrays: forward(*arrays, **settings)[0],
            compared,
            *inputs,
            tol=tol,
            random_state=random_state,
        )
        gradients, repeated = backward(dout, cache), backward(dout, cache)
        for first, second in zip(gradients, repeated, strict=True):
            same = first is second if first is None else np.array_equal(first, second)
            require(same, "backward uses up its cache")
        _check_single(forward, backward, inputs, dout, settings)


def _check_single(forward, backward, inputs, dout, settings):
    out, cache = forward(*(array.astype(np.float32) for array in inputs), **settings)
    gradients = backward(dout.astype(np.float32), cache)
    for array in (out, *gradients):
        if array is not None:
            require(array.dtype == np.float32, f"float32 becomes {array.dtype}")
