"""Multi-layer perceptrons, and the plain ReLU encoder of autoencoders, which is one of no layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from sparsecode._validation import check_flag, check_integer, wrong
from sparsecode.encoders._unrolled import check_gradient
from sparsecode.encoders.base import TrainableEncoder
from sparsecode.ops import (
    linear_backward,
    linear_forward,
    relu_backward,
    relu_forward,
    soft_threshold_backward,
    soft_threshold_forward,
)


@dataclass(eq=False)
class MLP(TrainableEncoder):
    """Multi-layer perceptron: affine maps with rectifiers between them, and a threshold at the end.

    From ``h_0 = x - offset``, ``h_{i+1} = relu(h_i @ W_i + b_i)``, and the last ``h`` is the code.
    It is non-negative; signed codes end in ``soft_threshold(h @ W + b, theta)`` instead, a
    rectifier to both sides, so that these are sparse too. Without hidden layers it is the encoder
    of the plain sparse autoencoder, ``relu((x - offset) @ W_0 + b_0)``. A sample costs as many
    multiplications as the matrices have entries; the dictionary is read by `init` only, but for
    its offset.

    Parameters
    ----------
    hidden : tuple of int, default=(32,)
        Width of each hidden layer.
    positive : bool, default=True
        Whether codes are non-negative.
    params : dict of str to ndarray or None, default=None
        For each affine map `i`, ``"W_i"`` of shape (n_inputs, n_outputs) and ``"b_i"`` of shape
        (n_outputs,); for signed codes also ``"theta"`` of shape (n_components,). None stands for
        those of `init`: normal weights of variance ``2 / n_inputs``, biases and thresholds 0; and
        ``W_0 = atoms.T`` where there are no hidden layers.

    Raises
    ------
    TypeError, ValueError
        By every method, if `hidden` is not a sequence of positive integers.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: surpassing human-level
    performance on ImageNet classification", 2015, for the start.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import MLP
    >>> dictionary = Dictionary([[1.0, 0.0], [0.0, 1.0]])
    >>> MLP(hidden=()).encode([[0.5, -2.0]], dictionary)
    array([[0.5, 0. ]])
    >>> params = MLP(hidden=(32, 16)).init(dictionary, random_state=0)
    >>> params["W_1"].shape, params["b_2"].shape
    ((32, 16), (2,))
    """

    hidden: tuple[int, ...] = (32,)
    positive: bool = True

    def _initial(self, dictionary, random_state):
        rng, initial = check_random_state(random_state), {}
        for name, shape in self._shapes(dictionary).items():
            if name[0] != "W":
                initial[name] = np.zeros(shape)
            elif len(self.hidden) == 0:
                initial[name] = dictionary.atoms.T
            else:
                initial[name] = rng.normal(scale=np.sqrt(2 / shape[0]), size=shape)
        return initial

    def _shapes(self, dictionary):
        widths = [dictionary.n_features, *self.hidden, dictionary.n_components]
        shapes = {}
        for i, (n_inputs, n_outputs) in enumerate(zip(widths, widths[1:], strict=False)):
            shapes[f"W_{i}"] = (n_inputs, n_outputs)
            shapes[f"b_{i}"] = (n_outputs,)
        if not self.positive:
            shapes["theta"] = (dictionary.n_components,)
        return shapes

    def _forward(self, params, x, dictionary, n_layers):
        h, caches, last = x, [], len(self.hidden)
        for i in range(last + 1):
            h, linear = linear_forward(h, params[f"W_{i}"], params[f"b_{i}"])
            if i < last or self.positive:
                # In place: a large array of its own would cost more than the rectifier.
                h, activation = relu_forward(h, out=h)
            else:
                h, activation = soft_threshold_forward(h, params["theta"])
            caches.append((linear, activation))
        return h, (caches, h, dictionary)

    def _backward(self, dcodes, cache, with_dictionary, out):
        caches, codes, dictionary = cache
        offset = with_dictionary and dictionary.offset is not None
        dh, grads, last = check_gradient(dcodes, codes), {}, len(caches) - 1
        for i in reversed(range(len(caches))):
            linear, activation = caches[i]
            if i < last or self.positive:
                # What was given stays as it is.
                (da,) = relu_backward(dh, activation, out=dh if i < last else None)
            else:
                da, grads["theta"] = soft_threshold_backward(dh, activation)
            dh, grads[f"W_{i}"], grads[f"b_{i}"] = linear_backward(
                da, linear, with_input=i > 0 or offset
            )
        if offset:
            grads["offset"] = -dh.sum(axis=0)
        return grads

    def _check_parameters(self):
        check_flag(self.positive, "positive")
        if isinstance(self.hidden, str) or not hasattr(self.hidden, "__len__"):
            raise TypeError(
                wrong(
                    "hidden",
                    got=repr(self.hidden),
                    expected="a tuple with the width of each hidden layer",
                    remedy="Use (32,) for one layer of 32 units, () for none.",
                )
            )
        for width in self.hidden:
            check_integer(width, "hidden")

    def _n_layers(self, n_layers):
        # Only the whole network makes codes.
        return 1 if n_layers is None else check_integer(n_layers, "n_layers", high=1)
