"""Softmax encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode._validation import check_number
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.ops import softmax_backward, softmax_forward


@dataclass(eq=False)
class Softmax(LinearEncoder):
    """Softmax encoder: ``exp(A / temperature)``, divided by the sum of each row.

    Here ``A = (x - offset) @ W.T + b``. Codes are positive and sum to 1, so that a reconstruction
    is a weighted mean of atoms, a soft assignment to prototypes. At a low temperature it is nearly
    a single atom. Norms of atoms must be those of samples: use ``constraint=Free()``.

    Parameters
    ----------
    temperature : float, default=1.0
        Positive, in the units of `A`.
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
        By every method, if `temperature` is not positive.

    References
    ----------
    J. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
    relationships to statistical pattern recognition", 1990. G. Hinton, O. Vinyals and J. Dean,
    "Distilling the knowledge in a neural network", 2015, for the temperature.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Softmax
    >>> dictionary = Dictionary([[1.0, 0.0], [0.0, 1.0]])
    >>> Softmax().encode([[0.0, 1.0]], dictionary).round(3)
    array([[0.269, 0.731]])
    >>> Softmax(temperature=0.1).encode([[0.0, 1.0]], dictionary).round(3)
    array([[0., 1.]])
    """

    temperature: float = 1.0

    homogeneous: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def _activate(self, A, params):
        softmax_forward(A, temperature=self.temperature, out=A)

    def _derive(self, dcodes, codes, params):
        return softmax_backward(dcodes, (codes, codes.dtype.type(self.temperature)))[0]

    def _check_parameters(self):
        super()._check_parameters()
        check_number(self.temperature, "temperature", low=0, low_open=True)
