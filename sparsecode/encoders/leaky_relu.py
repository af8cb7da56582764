"""Leaky ReLU encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode._validation import check_number
from sparsecode.encoders._linear import SLOPE_SIGNALS, LinearEncoder
from sparsecode.ops import leaky_relu_backward


@dataclass(eq=False)
class LeakyReLU(LinearEncoder):
    """Leaky ReLU encoder, ``max(A, 0) + slope * min(A, 0)``.

    Here ``A = (x - offset) @ W.T + b``. A unit that no sample activates still has a gradient, so it
    can recover. On the other hand, no code is exactly 0; inactive units have small codes.

    Parameters
    ----------
    slope : float, default=0.01
        Factor of negative entries, from 0, which is `ReLU`, to 1, which is linear.
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` of shape
        (n_components,). None takes those of `init`: the atoms and the bias.

    Raises
    ------
    ValueError
        By every method, if `slope` is not from 0 to 1.

    References
    ----------
    A. Maas, A. Hannun and A. Ng, "Rectifier nonlinearities improve neural network acoustic models",
    2013.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import LeakyReLU
    >>> LeakyReLU(slope=0.25).encode([[2.0, -1.0]], Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    array([[ 2.  , -0.25]])
    """

    slope: float = 0.01

    signal_names: ClassVar[tuple[str, ...]] = SLOPE_SIGNALS
    bounds: ClassVar[tuple[float, float]] = (-np.inf, np.inf)

    def _activate(self, A, params):
        np.multiply(A, A.dtype.type(self.slope), out=A, where=A < 0)

    def _derive(self, dcodes, codes, params):
        # The signs of the codes are those of the pre-activations.
        return leaky_relu_backward(dcodes, (codes, codes.dtype.type(self.slope)))[0]

    def _check_parameters(self):
        super()._check_parameters()
        check_number(self.slope, "slope", low=0, high=1)
