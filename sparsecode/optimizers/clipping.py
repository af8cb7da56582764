"""Gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sparsecode._factored_gradients import gradient_norm
from sparsecode._validation import check_number
from sparsecode._values import check_instance


def clip_gradients(grads: dict[str, Any], max_norm: float | None = None) -> float:
    """Clip gradients in place to a joint norm of at most `max_norm`.

    Parameters
    ----------
    grads : dict of str to ndarray or RowGradient
    max_norm : float or None, default=None
        Largest Euclidean norm of all entries together. None does not clip.

    Returns
    -------
    norm : float
        Norm before clipping, NaN or infinite if an entry is.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.optimizers import clip_gradients
    >>> grads = {"W": np.array([3.0]), "b": np.array([4.0])}
    >>> clip_gradients(grads, 1.0)
    5.0
    >>> grads["W"], grads["b"]
    (array([0.6]), array([0.8]))
    """
    check_instance(grads, "grads", Mapping, "a dict of arrays", "Name each gradient.")
    norm = gradient_norm(grads)
    if max_norm is not None:
        max_norm = check_number(max_norm, "max_norm", low=0, low_open=True)
        if max_norm < norm < math.inf:
            for grad in grads.values():
                grad *= grad.dtype.type(max_norm / norm)
    return norm
