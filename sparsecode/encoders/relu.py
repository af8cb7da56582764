"""ReLU encoder of the standard sparse autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode.encoders._linear import SLOPE_SIGNALS, LinearEncoder


@dataclass(eq=False)
class ReLU(LinearEncoder):
    """ReLU encoder: rectified affine map, ``max((x - offset) @ W.T + b, 0)``.

    Codes are sparse because of a term in the loss, such as an l1 penalty, and are shrunk by it. It
    costs ``n_components * n_features`` multiplications per sample. As soon as few units are active,
    training multiplies with the active units only.

    Parameters
    ----------
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`. With a positive value units are active at the start.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` of shape
        (n_components,). None takes those of `init`: the atoms and the bias.

    References
    ----------
    T. Bricken et al., "Towards monosemanticity: decomposing language models with dictionary
    learning", 2023.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import ReLU
    >>> ReLU().encode([[2.0, -1.0]], Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    array([[2., 0.]])
    """

    sparse_codes: ClassVar[bool] = True
    _adapts: ClassVar[bool] = True
    signal_names: ClassVar[tuple[str, ...]] = SLOPE_SIGNALS

    def _activate(self, A, params):
        np.maximum(A, 0, out=A)

    def _derive(self, dcodes, codes, params):
        return dcodes * (codes > 0)
