"""TiLISTA and ALISTA: unrolled networks whose layers share one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode._analytic import inverse_of_own
from sparsecode.encoders._layers import CoupledLayers, product_pays
from sparsecode.encoders._parameter_kinds import Kind
from sparsecode.encoders._unrolled import (
    SupportSelection,
    Unrolled,
    initial_thresholds,
    inverse_step,
)


@dataclass(eq=False)
class TiLISTA(SupportSelection, Unrolled):
    """TiLISTA: learned ISTA with one matrix for all layers, and a step and a threshold per layer.

    Predicts codes of ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)`` with, from ``z = 0``, ``z
    <- soft_threshold(z + step_t * (x - offset - z @ atoms) @ W, theta_t)``, and with support
    selection. With the parameters of `init`, ``W = atoms.T`` and steps of ``1 / L``, and ``p=0``,
    layer `k` is the `k`-th iterate of ISTA. A layer costs ``2 * n_components * n_features``
    multiplications a sample.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty, also weighted or non-negative. It sets the initial thresholds.
    n_layers : int, default=16
    p : float, default=1.2
        In layer `k`, counted from 1, ``min(p * k, p_max)`` percent of the entries of a code are not
        shrunk; see `LISTASS`. 0 is the plain soft threshold.
    p_max : float, default=13.0
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (1, n_features, n_components), ``"step"`` and ``"theta"`` of shape
        (n_layers,). None takes those of `init`.

    Raises
    ------
    TypeError
        By every method, if the penalty is not an l1 norm.

    References
    ----------
    J. Liu, X. Chen, Z. Wang and W. Yin, "ALISTA: analytic weights are as good as learned weights in
    LISTA", 2019.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import TiLISTA
    >>> from sparsecode.penalties import L1
    >>> encoder = TiLISTA(L1(0.5), n_layers=3, p=0.0)
    >>> encoder.encode([[2.0, 0.1]], Dictionary([[1.0, 0.0], [0.0, 1.0]])).round(4)
    array([[1.5, 0. ]])
    """

    parameter_kinds: ClassVar[dict[str, Kind]] = {
        "W": Kind(atoms=1),
        "step": Kind(atoms=-2),
        "theta": Kind(samples=1, atoms=-1),
    }

    def _initial(self, dictionary, random_state):
        step = 1 / inverse_step(dictionary)
        return {
            "W": dictionary.atoms.T[None],
            "step": np.full(self.n_layers, step),
            "theta": initial_thresholds(self, dictionary, step, self.n_layers, False),
        }

    def _shapes(self, dictionary):
        n_components, n_features = dictionary.atoms.shape
        scalars = (self.n_layers,)
        return {"W": (1, n_features, n_components), "step": scalars, "theta": scalars}

    def _layers(self, params, dictionary, n_rows, n_layers):
        return CoupledLayers(dictionary.atoms, params["W"], params["step"])


@dataclass(eq=False)
class ALISTA(SupportSelection, Unrolled):
    """ALISTA: learned ISTA with analytic weights; training only sets steps and thresholds.

    The iteration of `TiLISTA` with a matrix `W` computed from the dictionary:
    ``Dictionary.analytic_weights``, transposed. The column for an atom has an inner product of 1
    with this atom, and the smallest sum of squared inner products with the other atoms, so that
    atoms interfere as little as possible. These are the columns of the pseudo-inverse of the atoms,
    divided by their inner products with the atoms. A layer costs ``2 * n_components * n_features``
    multiplications a sample, or ``n_components ** 2`` where that is less.

    The parameters of `init` do not give ISTA. They give proximal gradient descent on the residual
    in the metric of these weights, with the largest step that is guaranteed to descend.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty, also weighted or non-negative. It sets the initial thresholds.
    n_layers : int, default=16
    p : float, default=1.2
        In layer `k`, counted from 1, ``min(p * k, p_max)`` percent of the entries of a code are not
        shrunk; see `LISTASS`. 0 is the plain soft threshold.
    p_max : float, default=13.0
    params : dict of str to ndarray or None, default=None
        ``"step"`` and ``"theta"`` of shape (n_layers,). None takes those of `init`.

    Raises
    ------
    TypeError
        By every method, if the penalty is not an l1 norm.

    References
    ----------
    J. Liu, X. Chen, Z. Wang and W. Yin, "ALISTA: analytic weights are as good as learned weights in
    LISTA", 2019.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import ALISTA
    >>> from sparsecode.penalties import L1
    >>> encoder = ALISTA(L1(0.5), n_layers=3, p=0.0)
    >>> encoder.encode([[2.0, 0.1]], Dictionary([[1.0, 0.0], [0.0, 2.0]])).round(4)
    array([[1.8, 0. ]])
    """

    parameter_kinds: ClassVar[dict[str, Kind]] = {
        "step": Kind(atoms=0),
        "theta": Kind(samples=1, atoms=-1),
    }

    @property
    def starts_at_ista(self) -> bool:
        """False, because the weights are not the transpose of the atoms."""
        return False

    def _initial(self, dictionary, random_state):
        atoms = dictionary.atoms.astype(np.float64)
        diagonal = np.einsum("ij,ji->i", atoms, dictionary.pseudo_inverse.astype(np.float64))
        used = diagonal > 0
        step = diagonal.min(where=used, initial=1.0)
        # A step of ISTA on atoms of this norm shrinks by that much.
        mean_squared_norm = np.mean(atoms[used] ** 2) * atoms.shape[1] if used.any() else 1.0
        thresholds = initial_thresholds(
            self, dictionary, step / mean_squared_norm, self.n_layers, False
        )
        return {"step": np.full(self.n_layers, step), "theta": thresholds}

    def _shapes(self, dictionary):
        return {"step": (self.n_layers,), "theta": (self.n_layers,)}

    def _layers(self, params, dictionary, n_rows, n_layers):
        W = self._analytic(dictionary)
        product = dictionary.atoms @ W if product_pays(dictionary, n_rows, n_layers) else None

        def weights_backward(dW):
            return self._analytic_backward(dictionary, dW)

        return CoupledLayers(dictionary.atoms, W[None], params["step"], product, weights_backward)

    def _analytic(self, dictionary):
        """The weights, shape (n_features, n_components)."""
        return dictionary.analytic_weights.T

    def _analytic_backward(self, dictionary, dW):
        """Gradient in the atoms from that in the weights."""
        atoms, inverse = dictionary.atoms, dictionary.pseudo_inverse
        factor = inverse_of_own(atoms, inverse)
        down = np.einsum("ij,ij->j", dW, inverse) * factor**2
        dinverse = dW * factor - atoms.T * down
        return _pseudo_inverse_backward(atoms, inverse, dinverse) - down[:, None] * inverse.T


def _pseudo_inverse_backward(A, P, dP):
    """Gradient in `A` from that in its pseudo-inverse `P`, for a constant rank."""
    outside = dP.T - A @ (P @ dP.T)
    inside = dP.T - (dP.T @ P) @ A
    return -P.T @ dP @ P.T + outside @ P @ P.T + P.T @ P @ inside
