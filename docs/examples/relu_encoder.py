"""An encoder of your own: one layer with a bias, trained by gradients written by hand.

>>> from sparsecode.testing import check_encoder
>>> check_encoder(ReLUEncoder())
>>> import numpy as np
>>> from sparsecode import LISTA, Dictionary
>>> X = np.random.default_rng(0).standard_normal((200, 4))
>>> dictionary = Dictionary.random(6, 4, random_state=0)
>>> model = LISTA(dictionary=dictionary, encoder=ReLUEncoder(), alpha=0.1, random_state=0).fit(X)
>>> model.history_["loss"][-1] < 0.9 * model.history_["loss"][0]
True
"""

from dataclasses import dataclass

import numpy as np

from sparsecode.encoders import TrainableEncoder
from sparsecode.ops import linear_backward, linear_forward, relu_backward, relu_forward


@dataclass(eq=False)
class ReLUEncoder(TrainableEncoder):
    """``codes = max((x - offset) @ W + b, 0)``."""

    bias: float = 0.0

    def _initial(self, dictionary, random_state):
        return {"W": dictionary.atoms.T, "b": np.full(dictionary.n_components, self.bias)}

    def _shapes(self, dictionary):
        n_components, n_features = dictionary.atoms.shape
        return {"W": (n_features, n_components), "b": (n_components,)}

    def _forward(self, params, x, dictionary, n_layers):
        pre, linear = linear_forward(x, params["W"], params["b"])
        codes, relu = relu_forward(pre)
        return codes, (linear, relu, dictionary)

    def _backward(self, dcodes, cache, with_dictionary, out):
        linear, relu, dictionary = cache
        (dpre,) = relu_backward(dcodes, relu)
        dx, dW, db = linear_backward(dpre, linear)
        grads = {"W": dW, "b": db}
        if with_dictionary and dictionary.offset is not None:
            # x is what is left of the samples after the offset.
            grads["offset"] = -dx.sum(axis=0)
        return grads
