"""Tanh encoder, with codes of both signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode.encoders._linear import SLOPE_SIGNALS, LinearEncoder
from sparsecode.ops import tanh_backward


@dataclass(eq=False)
class Tanh(LinearEncoder):
    """Hyperbolic tangent of an affine map, ``tanh((x - offset) @ W.T + b)``.

    Codes of either sign between -1 and 1; a loss that penalises them makes most of them small. As
    they are bounded, atoms must be as long as the samples: use ``constraint=Free()``. `PSD` is the
    same with a gain for each unit.

    Parameters
    ----------
    tied : bool, default=False
        Whether `W` is the atoms of the dictionary, instead of a parameter.
    initial_bias : float, default=0.0
        Value of `b` at the start.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` of shape
        (n_components,). None stands for those of `init`: the atoms, and the bias.

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
