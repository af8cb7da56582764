"""LISTA: learned ISTA with weights that do not depend on the dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode._validation import check_flag
from sparsecode.encoders._layers import FreeLayers
from sparsecode.encoders._parameter_kinds import Kind
from sparsecode.encoders._unrolled import (
    SupportSelection,
    Unrolled,
    initial_thresholds,
    inverse_step,
)


@dataclass(eq=False)
class LISTA(Unrolled):
    """Learned ISTA: ``n_layers`` iterations whose matrices and thresholds are trained.

    Predicts codes of ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)`` with, from ``z = 0``,
    ``z <- soft_threshold((x - offset) @ W_t + z @ S_t, theta_t)``. With the parameters of `init`,
    ``W = atoms.T / L`` and ``S = I - atoms @ atoms.T / L``, layer `k` is the `k`-th iterate of
    ISTA. A layer costs ``n_components * (n_features + n_components)`` multiplications for each
    sample. Except for the offset, only `init` reads the dictionary.

    This class is the network alone. The estimator `sparsecode.LISTA` trains it, or any other
    encoder, on samples.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty, also weighted or non-negative. It sets the initial thresholds.
    n_layers : int, default=16
    tied : bool, default=False
        Whether all layers share one set of parameters.
    per_atom : bool, default=True
        Whether each atom has its threshold. Otherwise a layer has one threshold, times the weights
        of the penalty.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_sets, n_features, n_components), ``"S"`` of shape (n_sets, n_components,
        n_components), where ``n_sets`` is `n_layers`, or 1 if tied, and ``"theta"`` of shape
        (n_sets, n_components) or (n_sets,). The first of several ``S`` is not used. None takes
        those of `init`.

    Raises
    ------
    TypeError
        By every method, if the penalty is not an l1 norm.

    References
    ----------
    K. Gregor and Y. LeCun, "Learning fast approximations of sparse coding", 2010.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import LISTA
    >>> from sparsecode.penalties import L1
    >>> encoder = LISTA(L1(0.5), n_layers=3)
    >>> encoder.encode([[2.0, 0.1]], Dictionary([[1.0, 0.0], [0.0, 1.0]])).round(4)
    array([[1.5, 0. ]])
    """

    tied: bool = False
    per_atom: bool = True

    parameter_kinds: ClassVar[dict[str, Kind]] = {
        "W": Kind(atoms=-1),
        "S": Kind(atoms=0),
        "theta": Kind(samples=1, atoms=-1),
    }

    def _initial(self, dictionary, random_state):
        atoms = dictionary.atoms.astype(np.float64)
        step = 1 / inverse_step(dictionary)
        S = np.eye(len(atoms)) - step * (atoms @ atoms.T)
        n_sets = self._n_sets()
        return {
            "W": np.broadcast_to(step * atoms.T, (n_sets, *atoms.T.shape)),
            "S": np.broadcast_to(S, (n_sets, *S.shape)),
            "theta": initial_thresholds(self, dictionary, step, n_sets, self.per_atom),
        }

    def _shapes(self, dictionary):
        n_components, n_features = dictionary.atoms.shape
        n_sets = self._n_sets()
        return {
            "W": (n_sets, n_features, n_components),
            "S": (n_sets, n_components, n_components),
            "theta": (n_sets, n_components) if self.per_atom else (n_sets,),
        }

    def _layers(self, params, dictionary, n_rows, n_layers):
        return FreeLayers(params["W"], params["S"])

    def _n_sets(self):
        return 1 if self.tied else self.n_layers

    def _check_parameters(self):
        super()._check_parameters()
        check_flag(self.tied, "tied")
        check_flag(self.per_atom, "per_atom")


@dataclass(eq=False)
class LISTASS(SupportSelection, LISTA):
    """`LISTA` with support selection: the largest entries of a code are not shrunk.

    A layer is ``z <- support_threshold((x - offset) @ W_t + z @ S_t, theta_t)``. Of the entries
    above their threshold, a share that grows with the layers is not shrunk: the largest ones, which
    are almost surely in the support. This removes the bias of the soft threshold. Codes are then
    closer to the codes that generated the samples, and no longer approximate those of the lasso.
    The cost is that of `LISTA`.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty, also weighted or non-negative. It sets the initial thresholds.
    n_layers : int, default=16
    tied : bool, default=False
        Whether all layers share one set of parameters.
    per_atom : bool, default=True
        Whether each atom has its threshold. Otherwise a layer has one threshold, times the weights
        of the penalty.
    p : float, default=1.2
        In layer `k`, counted from 1, ``min(p * k, p_max)`` percent of the entries of a code are
        selected. 0 selects none; `init` starts at ISTA only in this case.
    p_max : float, default=13.0
    params : dict of str to ndarray or None, default=None
        Parameters, as in `LISTA`.

    References
    ----------
    X. Chen, J. Liu, Z. Wang and W. Yin, "Theoretical linear convergence of unfolded ISTA and its
    practical weights and thresholds", 2018.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import LISTASS
    >>> from sparsecode.penalties import L1
    >>> encoder = LISTASS(L1(0.5), n_layers=3, p=50.0, p_max=50.0)
    >>> encoder.encode([[2.0, 0.1]], Dictionary([[1.0, 0.0], [0.0, 1.0]])).round(4)
    array([[2., 0.]])
    """
