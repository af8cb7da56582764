"""Scaled ReLU encoder, with a gain for each unit that undoes shrinkage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode.encoders._linear import LinearEncoder
from sparsecode.encoders._parameter_kinds import PURE_NUMBER, Kind


@dataclass(eq=False)
class ScaledReLU(LinearEncoder):
    """Scaled ReLU encoder, ``exp(log_scale) * max((x - offset) @ W.T + b, 0)``.

    An l1 penalty makes codes too small. If the gains alone are then trained without the penalty,
    they undo the shrinkage and do not change the supports. Gains are positive, because their
    logarithms are learned. The cost is that of `ReLU`.

    Parameters
    ----------
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b`.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` and ``"log_scale"`` of
        shape (n_components,). None takes those of `init`: the atoms, the bias and 0.

    References
    ----------
    B. Wright and L. Sharkey, "Addressing feature suppression in SAEs", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import ScaledReLU
    >>> dictionary = Dictionary([[1.0, 0.0], [0.0, 1.0]])
    >>> params = ScaledReLU().init(dictionary)
    >>> params["log_scale"][0] = np.log(1.5)
    >>> ScaledReLU(params=params).encode([[2.0, -1.0]], dictionary)
    array([[3., 0.]])
    """

    parameter_kinds: ClassVar[dict[str, Kind]] = {
        **LinearEncoder.parameter_kinds,
        "log_scale": PURE_NUMBER,
    }

    def _activate(self, A, params):
        np.maximum(A, 0, out=A)
        A *= np.exp(params["log_scale"])

    def _derive(self, dcodes, codes, params):
        return dcodes * (codes > 0) * np.exp(params["log_scale"])

    def _pre_gradients(self, dcodes, cache, dsignals, grads, buffer):
        # A code is its own derivative in the logarithm of its gain.
        grads["log_scale"] = np.einsum("ij,ij->j", dcodes, cache.codes)
        return super()._pre_gradients(dcodes, cache, dsignals, grads, buffer)

    def _initial(self, dictionary, random_state):
        initial = super()._initial(dictionary, random_state)
        return {**initial, "log_scale": np.zeros(dictionary.n_components)}

    def _shapes(self, dictionary):
        return {**super()._shapes(dictionary), "log_scale": (dictionary.n_components,)}
