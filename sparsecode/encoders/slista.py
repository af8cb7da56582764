"""SLISTA: ISTA with learned step sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode.encoders._layers import CoupledLayers
from sparsecode.encoders._parameter_kinds import Kind
from sparsecode.encoders._unrolled import Unrolled, inverse_step


@dataclass(eq=False)
class SLISTA(Unrolled):
    """SLISTA: learned ISTA in which only the step sizes are trained.

    Predicts codes of ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)`` with, from ``z = 0``,
    ``z <- prox_{step_t g}(z + step_t * (x - offset - z @ atoms) @ atoms.T)``. For sparse codes,
    steps longer than ``1 / L`` converge faster. The fixed point is the lasso solution, whatever the
    steps. With the steps of `init`, ``1 / L``, layer `k` is the `k`-th iterate of ISTA. A layer
    costs ``2 * n_components * n_features`` multiplications a sample, or ``n_components ** 2`` where
    that is less.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty, also weighted or non-negative.
    n_layers : int, default=16
    params : dict of str to ndarray or None, default=None
        ``"step"`` of shape (n_layers,). None takes those of `init`.

    Raises
    ------
    TypeError
        By every method, if the penalty is not an l1 norm.

    References
    ----------
    P. Ablin, T. Moreau, M. Massias and A. Gramfort, "Learning step sizes for unfolded sparse
    coding", 2019.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import SLISTA
    >>> from sparsecode.penalties import L1
    >>> encoder = SLISTA(L1(0.5), n_layers=3)
    >>> encoder.encode([[2.0, 0.1]], Dictionary([[1.0, 0.0], [0.0, 1.0]])).round(4)
    array([[1.5, 0. ]])
    """

    parameter_kinds: ClassVar[dict[str, Kind]] = {"step": Kind(atoms=-2)}

    _threshold_name = "step"

    def _initial(self, dictionary, random_state):
        return {"step": np.full(self.n_layers, 1 / inverse_step(dictionary))}

    def _shapes(self, dictionary):
        return {"step": (self.n_layers,)}

    def _layers(self, params, dictionary, n_rows, n_layers):
        W = dictionary.atoms.T
        product = dictionary.gram if dictionary.n_components <= 2 * dictionary.n_features else None
        return CoupledLayers(dictionary.atoms, W[None], params["step"], product, np.transpose)

    def _scale(self, params, dictionary):
        alpha = dictionary.dtype.type(self.penalty.alpha)
        return alpha if self.penalty.weights is None else alpha * self._weights(dictionary)
