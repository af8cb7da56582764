"""Gated encoder, with separate gates and magnitudes of units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sparsecode._parallel import map_row_blocks
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.encoders._parameter_kinds import BIAS, PURE_NUMBER, WEIGHTS, Kind
from sparsecode.losses import GateReconstruction, GateSparsity
from sparsecode.ops import gated_backward, gated_forward

if TYPE_CHECKING:
    from sparsecode.losses.terms.base import Term
    from sparsecode.penalties.base import Penalty

_BLOCK_SIZE = 128


@dataclass(eq=False)
class Gated(LinearEncoder):
    """Gated encoder: separate parameters decide whether a unit is active and how strongly.

    With ``u = (x - offset) @ W.T`` the codes are
    ``(u + b_gate > 0) * max(u * exp(r_mag) + b_mag, 0)``. A penalty on the gate ``u + b_gate``
    makes codes sparse without shrinking them. The derivative of the codes with respect to the gate
    is 0, so the loss must contain the terms that train it, `GateSparsity` and `GateReconstruction`.
    The cost is that of `ReLU`.

    Parameters
    ----------
    tied : bool, default=False
        Whether the encoder is tied: `W` is the atoms of the dictionary, not a parameter.
    initial_bias : float, default=0.0
        Initial value of `b_gate`. With a positive value units are active at the start.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"r_mag"``, ``"b_gate"`` and
        ``"b_mag"`` of shape (n_components,). None takes those of `init`: the atoms, 0 and the bias.

    Attributes
    ----------
    signal_names : tuple of str
        ``"gate"``, the gate ``u + b_gate``.

    References
    ----------
    S. Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Gated
    >>> encoder, dictionary = Gated(), Dictionary(np.eye(2))
    >>> params = encoder.init(dictionary) | {"b_gate": np.array([-1.0, -1.0])}
    >>> encoder.bind(params).encode([[2.0, 0.5]], dictionary)
    array([[2., 0.]])
    """

    signal_names: ClassVar[tuple[str, ...]] = ("gate", "squared_norms")
    parameter_kinds: ClassVar[dict[str, Kind]] = {
        "W": WEIGHTS,
        "r_mag": PURE_NUMBER,
        "b_gate": BIAS,
        "b_mag": BIAS._replace(gain="r_mag"),
    }
    _vectors: ClassVar[tuple[str, ...]] = ("r_mag", "b_gate", "b_mag")

    def default_terms(self, penalty: Penalty) -> list[Term]:
        return [GateSparsity(penalty.alpha), GateReconstruction()]

    def _activate(self, A, params):
        A[:] = gated_forward(A, *(params[name] for name in self._vectors))[0]

    def _store(self, A, params, stored):
        np.add(A, params["b_gate"], out=stored["gate"])

    def _calibrated(self, A, share):
        return {"b_gate": -np.quantile(A, 1 - share, axis=0)}

    def _pre_gradients(self, dcodes, cache, dsignals, grads, buffer):
        params, codes = cache.kept.params, cache.codes

        def block(rows):
            inputs = codes[rows], params["r_mag"], params["b_mag"]
            buffer[rows], dr, _, db = gated_backward(dcodes[rows], inputs)
            return np.stack([dr, db])

        sums = sum(map_row_blocks(block, len(codes), block_size=_BLOCK_SIZE))
        grads["r_mag"], grads["b_mag"] = sums
        grads["b_gate"] = np.zeros_like(params["b_gate"])
        if "gate" in dsignals:
            grads["b_gate"] += dsignals["gate"].sum(axis=0)
            buffer += dsignals["gate"]
        return [buffer]

    def _initial(self, dictionary, random_state):
        initial = super()._initial(dictionary, random_state)
        b_gate = initial.pop("b")
        initial |= {name: np.zeros_like(b_gate) for name in self._vectors}
        return initial | {"b_gate": b_gate}

    def _shapes(self, dictionary):
        shapes = super()._shapes(dictionary)
        del shapes["b"]
        return shapes | dict.fromkeys(self._vectors, (dictionary.n_components,))
