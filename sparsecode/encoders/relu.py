"""The encoder of the plain sparse autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsecode.encoders._linear import LinearEncoder


@dataclass(eq=False)
class ReLU(LinearEncoder):
    """Rectified affine map, ``max((x - offset) @ W.T + b, 0)``.

    Sparse through what the loss adds, such as an l1 penalty, whose shrinkage it shares. Costs
    ``n_components * n_features`` multiplications a sample.

    Parameters
    ----------
    tied : bool, default=False
        Whether `W` is the atoms of the dictionary, instead of a parameter.
    params : dict of str to ndarray or None, default=None
        ``"W"`` of shape (n_components, n_features), unless tied, and ``"b"`` of shape
        (n_components,). None stands for those of `init`: the atoms, and 0.

    References
    ----------
    T. Bricken et al., "Towards monosemanticity: decomposing language models with dictionary
    learning", 2023.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import ReLU
    >>> ReLU().encode([[2.0, -1.0]], Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    array([[2., 0.]])
    """

    def _activate(self, A, params):
        np.maximum(A, 0, out=A)

    def _derive(self, dcodes, codes, params):
        return dcodes * (codes > 0)
