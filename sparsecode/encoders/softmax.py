"""Softmax encoder, whose units compete for a sum of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode._validation import check_number
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.ops import softmax_backward, softmax_forward


@dataclass(eq=False)
class Softmax(LinearEncoder):
    """Shares of one that units compete for, ``exp(A / temperature)`` divided by its row sums.

    With ``A = (x - offset) @ W.T + b``. Codes are positive and sum to one, so a reconstruction is a
    mean of atoms: a soft choice of prototypes. The lower the temperature, the nearer it is to the
    choice of one. Atoms must be as long as the samples: use ``constraint=Free()``.

    Parameters
    ----------
    temperature : float, default=1.0
        Positive; in the units of `A`.
    tied : bool, default=False
        Whether `W` is the atoms of the dictionary, instead of a parameter.
    initial_bias : float, default=0.0
        Value of `b` at the start.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` of shape
        (n_components,). None stands for those of `init`: the atoms, and the bias.

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
