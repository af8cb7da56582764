"""Small trainable encoders."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state


@dataclass
class OneLayer(BaseEstimator):
    """``codes = relu((X - offset) @ W + b)``, or without relu; reads the offset."""

    rectify: bool = True
    noise: float = 0.1
    params: dict | None = None

    def init(self, dictionary, *, random_state=None):
        rng = check_random_state(random_state)
        W = dictionary.atoms.T + self.noise * rng.standard_normal(dictionary.atoms.T.shape)
        return {"W": W.astype(dictionary.dtype), "b": np.zeros(len(dictionary.atoms), W.dtype)}

    def forward(self, params, X, dictionary):
        x = dictionary.center(X)
        pre = x @ params["W"] + params["b"]
        codes = np.maximum(pre, 0) if self.rectify else pre
        return codes, (x, codes, params, dictionary)

    def backward(self, dcodes, cache, *, with_dictionary=False, out=None):
        x, codes, params, dictionary = cache
        dpre = dcodes * (codes > 0) if self.rectify else dcodes
        grads = {"W": x.T @ dpre, "b": dpre.sum(axis=0)}
        if with_dictionary and dictionary.offset is not None:
            grads["offset"] = -(dpre @ params["W"].T).sum(axis=0)
        return grads

    def bind(self, params):
        bound = copy.copy(self)
        bound.params = params
        return bound

    def encode(self, X, dictionary):
        return self.forward(self.params, X, dictionary)[0]


@dataclass
class Chain(BaseEstimator):
    """``z <- z + step_t * (x - z) + b``: a scalar for each layer, and one that they share."""

    n_layers: int = 3
    params: dict | None = None

    def init(self, dictionary, *, random_state=None):
        dtype = dictionary.dtype
        return {"step": np.full(self.n_layers, 0.1, dtype), "b": np.zeros((1, 1), dtype)}

    def forward(self, params, X, dictionary, *, n_layers=None):
        codes = [np.zeros_like(X)]
        for t in range(self.n_layers if n_layers is None else n_layers):
            codes.append(codes[-1] + params["step"][t] * (X - codes[-1]) + params["b"])
        return codes[-1], (X, codes, params)

    def backward(self, dcodes, cache, *, with_dictionary=False, out=None):
        X, codes, params = cache
        grads = {name: np.zeros_like(param) for name, param in params.items()}
        for t in reversed(range(len(codes) - 1)):
            grads["step"][t] = np.sum(dcodes * (X - codes[t]))
            grads["b"] += dcodes.sum()
            dcodes = dcodes * (1 - params["step"][t])
        return grads
