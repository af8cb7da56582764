"""Small trainable encoders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from sparsecode.encoders import TrainableEncoder


@dataclass(eq=False)
class OneLayer(TrainableEncoder):
    """``codes = relu((X - offset) @ W + b)``, or without relu; reads the offset."""

    rectify: bool = True
    noise: float = 0.1

    def _initial(self, dictionary, random_state):
        rng = check_random_state(random_state)
        W = dictionary.atoms.T + self.noise * rng.standard_normal(dictionary.atoms.T.shape)
        return {"W": W, "b": np.zeros(len(dictionary.atoms))}

    def _shapes(self, dictionary):
        return {"W": dictionary.atoms.T.shape, "b": (dictionary.n_components,)}

    def _forward(self, params, x, dictionary, n_layers):
        pre = x @ params["W"] + params["b"]
        codes = np.maximum(pre, 0) if self.rectify else pre
        return codes, (x, codes, params, dictionary)

    def _backward(self, dcodes, cache, with_dictionary, out):
        x, codes, params, dictionary = cache
        dpre = dcodes * (codes > 0) if self.rectify else dcodes
        grads = {"W": x.T @ dpre, "b": dpre.sum(axis=0)}
        if with_dictionary and dictionary.offset is not None:
            grads["offset"] = -(dpre @ params["W"].T).sum(axis=0)
        return grads


@dataclass(eq=False)
class Chain(TrainableEncoder):
    """``z <- z + step_t * (x - z) + b``: a scalar for each layer, and one that they share."""

    n_layers: int = 3

    def _initial(self, dictionary, random_state):
        return {"step": np.full(self.n_layers, 0.1), "b": np.zeros((1, 1))}

    def _shapes(self, dictionary):
        return {"step": (self.n_layers,), "b": (1, 1)}

    def _forward(self, params, x, dictionary, n_layers):
        codes = [np.zeros_like(x)]
        for t in range(self.n_layers if n_layers is None else n_layers):
            codes.append(codes[-1] + params["step"][t] * (x - codes[-1]) + params["b"])
        return codes[-1], (x, codes, params)

    def _backward(self, dcodes, cache, with_dictionary, out):
        x, codes, params = cache
        grads = {name: np.zeros_like(param) for name, param in params.items()}
        for t in reversed(range(len(codes) - 1)):
            grads["step"][t] = np.sum(dcodes * (x - codes[t]))
            grads["b"] += dcodes.sum()
            dcodes = dcodes * (1 - params["step"][t])
        return grads
