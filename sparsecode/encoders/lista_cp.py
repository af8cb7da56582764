"""LISTA-CP: learned ISTA with coupled weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode._validation import check_flag
from sparsecode.encoders._layers import CoupledLayers
from sparsecode.encoders._parameter_kinds import Kind
from sparsecode.encoders._unrolled import (
    SupportSelection,
    Unrolled,
    initial_thresholds,
    inverse_step,
)


@dataclass(eq=False)
class LISTACP(Unrolled):
    """LISTA-CP: learned ISTA with coupled weights, one matrix per layer on the residual.

    Predicts codes of ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)`` with, from ``z = 0``,
    ``z <- soft_threshold(z + (x - offset - z @ atoms) @ W_t, theta_t)``. The weights of a
    convergent `LISTA` must approach this form (Chen and others, 2018). With the parameters of
    `init`, ``W = atoms.T / L``, layer `k` is the `k`-th iterate of ISTA. A layer costs
    ``2 * n_components * n_features`` multiplications a sample.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty, also weighted or non-negative. It sets the initial thresholds.
    n_layers : int, default=16
    tied : bool, default=False
        Whether all layers share one set of parameters.
    per_atom : bool, default=False
        Whether each atom has its threshold. Otherwise a layer has one threshold, times the weights
        of the penalty.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_sets, n_features, n_components), where ``n_sets`` is `n_layers`, or 1 if
        tied, and ``"theta"`` of shape (n_sets,) or (n_sets, n_components). None takes those of
        `init`.

    Raises
    ------
    TypeError
        By every method, if the penalty is not an l1 norm.

    References
    ----------
    X. Chen, J. Liu, Z. Wang and W. Yin, "Theoretical linear convergence of unfolded ISTA and its
    practical weights and thresholds", 2018.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import LISTACP
    >>> from sparsecode.penalties import L1
    >>> encoder = LISTACP(L1(0.5), n_layers=3)
    >>> encoder.encode([[2.0, 0.1]], Dictionary([[1.0, 0.0], [0.0, 1.0]])).round(4)
    array([[1.5, 0. ]])
    """

    tied: bool = False
    per_atom: bool = False

    parameter_kinds: ClassVar[dict[str, Kind]] = {
        "W": Kind(atoms=-1),
        "theta": Kind(samples=1, atoms=-1),
    }

    def _initial(self, dictionary, random_state):
        step, n_sets = 1 / inverse_step(dictionary), self._n_sets()
        W = step * dictionary.atoms.T.astype(np.float64)
        return {
            "W": np.broadcast_to(W, (n_sets, *W.shape)),
            "theta": initial_thresholds(self, dictionary, step, n_sets, self.per_atom),
        }

    def _shapes(self, dictionary):
        n_components, n_features = dictionary.atoms.shape
        n_sets = self._n_sets()
        return {
            "W": (n_sets, n_features, n_components),
            "theta": (n_sets, n_components) if self.per_atom else (n_sets,),
        }

    def _layers(self, params, dictionary, n_rows, n_layers):
        return CoupledLayers(dictionary.atoms, params["W"])

    def _n_sets(self):
        return 1 if self.tied else self.n_layers

    def _check_parameters(self):
        super()._check_parameters()
        check_flag(self.tied, "tied")
        check_flag(self.per_atom, "per_atom")


@dataclass(eq=False)
class LISTACPSS(SupportSelection, LISTACP):
    """`LISTACP` with support selection: the largest entries of a code are not shrunk.

    See `LISTASS` for the advantages. The cost is that of `LISTACP`.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty, also weighted or non-negative. It sets the initial thresholds.
    n_layers : int, default=16
    tied : bool, default=False
        Whether all layers share one set of parameters.
    per_atom : bool, default=False
        Whether each atom has its threshold. Otherwise a layer has one threshold, times the weights
        of the penalty.
    p : float, default=1.2
        In layer `k`, counted from 1, ``min(p * k, p_max)`` percent of the entries of a code are
        selected. 0 selects none; `init` starts at ISTA only in this case.
    p_max : float, default=13.0
    params : dict of str to ndarray or None, default=None
        Parameters, as in `LISTACP`.

    References
    ----------
    X. Chen, J. Liu, Z. Wang and W. Yin, "Theoretical linear convergence of unfolded ISTA and its
    practical weights and thresholds", 2018.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import LISTACPSS
    >>> from sparsecode.penalties import L1
    >>> encoder = LISTACPSS(L1(0.5), n_layers=3, p=50.0, p_max=50.0)
    >>> encoder.encode([[2.0, 0.1]], Dictionary([[1.0, 0.0], [0.0, 1.0]])).round(4)
    array([[2., 0.]])
    """
