"""Sigmoid encoder of the classical sparse autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode.encoders._linear import SLOPE_SIGNALS, LinearEncoder
from sparsecode.ops import sigmoid_backward, sigmoid_forward


@dataclass(eq=False)
class Sigmoid(LinearEncoder):
    """Sigmoid encoder: logistic function of an affine map, ``1 / (1 + exp(-A))``.

    Here ``A = (x - offset) @ W.T + b``. Codes are between 0 and 1; those of inactive units are
    small, not 0. A loss with a target for the mean activation of units, such as `KLDivergence`,
    makes high activations rare.

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
    A. Ng, "Sparse autoencoder", 2011.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Sigmoid
    >>> Sigmoid().encode([[0.0, 1.0]], Dictionary([[1.0, 0.0], [0.0, 1.0]])).round(3)
    array([[0.5  , 0.731]])
    """

    homogeneous: ClassVar[bool] = False
    signal_names: ClassVar[tuple[str, ...]] = SLOPE_SIGNALS
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def _activate(self, A, params):
        A[:] = sigmoid_forward(A)[0]

    def _derive(self, dcodes, codes, params):
        return sigmoid_backward(dcodes, (codes,))[0]

    def _curvature(self, codes, params):
        return codes * (1 - codes) * (1 - 2 * codes)
