"""Predictive sparse decomposition (PSD): its one-layer encoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from sparsecode._validation import check_integer
from sparsecode.encoders._parameter_kinds import Kind
from sparsecode.encoders._unrolled import check_l1, inverse_step
from sparsecode.encoders.trainable import TrainableEncoder
from sparsecode.ops import linear_backward, linear_forward, tanh_backward, tanh_forward
from sparsecode.penalties import L1
from sparsecode.solvers._requirements import incompatible


@dataclass(eq=False)
class PSD(TrainableEncoder):
    """Encoder of predictive sparse decomposition (PSD): one layer with a gain and tanh.

    Computes ``gain * tanh((x - offset) @ W + b)``, trained to predict the codes of
    ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)``. Historically it connects sparse coding and
    autoencoders. Coefficients that should be 0 are small, but not 0. It costs
    ``n_components * n_features`` multiplications a sample.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty of the codes to predict. The encoder itself does not depend on it. A non-negative
        penalty is an error, because `tanh` has both signs.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_features, n_components), ``"b"`` and ``"gain"`` of shape
        (n_components,). None takes those of `init`: ``atoms.T / L``, 0 and 1, for which the codes
        of small samples are the first gradient step of ISTA.

    Raises
    ------
    TypeError
        By every method, if the penalty is not a signed l1 norm.

    References
    ----------
    K. Kavukcuoglu, M. Ranzato and Y. LeCun, "Fast inference in sparse coding algorithms with
    applications to object recognition", 2008.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import PSD
    >>> PSD().encode([[0.5, 0.0]], Dictionary([[1.0, 0.0], [0.0, 1.0]])).round(4)
    array([[0.4621, 0.    ]])
    """

    penalty: L1 = field(default_factory=L1)

    parameter_kinds: ClassVar[dict[str, Kind]] = {
        "W": Kind(samples=-1, atoms=0),
        "b": Kind(atoms=0),
        "gain": Kind(samples=1, atoms=-1),
    }

    @property
    def starts_at_ista(self) -> bool:
        """False: it has no threshold."""
        return False

    def _initial(self, dictionary, random_state):
        n_components = dictionary.n_components
        W = dictionary.atoms.T / inverse_step(dictionary)
        return {"W": W, "b": np.zeros(n_components), "gain": np.ones(n_components)}

    def _shapes(self, dictionary):
        n_components, n_features = dictionary.atoms.shape
        return {"W": (n_features, n_components), "b": (n_components,), "gain": (n_components,)}

    def _forward(self, params, x, dictionary, n_layers):
        A, linear = linear_forward(x, params["W"], params["b"])
        squashed, tanh = tanh_forward(A)
        codes = params["gain"] * squashed
        return codes, (linear, tanh, squashed, params, dictionary)

    def _backward(self, dcodes, cache, with_dictionary, out):
        linear, tanh, squashed, params, dictionary = cache
        (dA,) = tanh_backward(dcodes * params["gain"], tanh)
        offset = with_dictionary and dictionary.offset is not None
        dx, dW, db = linear_backward(dA, linear, with_input=offset)
        grads = {"W": dW, "b": db, "gain": np.einsum("ij,ij->j", dcodes, squashed)}
        if offset:
            grads["offset"] = -dx.sum(axis=0)
        return grads

    def _check_parameters(self):
        check_l1(self)
        if self.penalty.positive:
            remedy = "Use a signed one, or LISTA for non-negative codes."
            raise incompatible(self, "a signed penalty", self.penalty, remedy)

    def _n_layers(self, n_layers):
        return 1 if n_layers is None else check_integer(n_layers, "n_layers", high=1)
