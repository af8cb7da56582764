"""Tanh encoder, for codes of both signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode.encoders._linear import SLOPE_SIGNALS, LinearEncoder
from sparsecode.ops import tanh_backward


@dataclass(eq=False)
class Tanh(LinearEncoder):
    """Tanh encoder: hyperbolic tangent of an affine map, ``tanh((x - offset) @ W.T + b)``.

    Codes are between -1 and 1; a penalty in the loss makes most of them small. Because they are
    bounded, norms of atoms must be those of samples: use ``constraint=Free()``. `PSD` is the same
    encoder with a gain for each unit.

    Parameters
    ----------
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` of shape
        (n_components,). None takes those of `init`: the atoms and the bias.

    References
    ----------
    K. Kavukcuoglu, M. Ranzato and Y. LeCun, "Fast inference in sparse coding algorithms with
    applications to object recognition", 2008.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Tanh
    >>> Tanh().encode([[0.0, -1.0]], Dictionary([[1.0, 0.0], [0.0, 1.0]])).round(3)
    array([[ 0.   , -0.762]])
    """

    homogeneous: ClassVar[bool] = False
    signal_names: ClassVar[tuple[str, ...]] = SLOPE_SIGNALS
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def _activate(self, A, params):
        np.tanh(A, out=A)

    def _derive(self, dcodes, codes, params):
        return tanh_backward(dcodes, (codes,))[0]

    def _curvature(self, codes, params):
        return -2 * codes * (1 - codes**2)
