"""Multi-layer perceptron encoder."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_flag, check_integer, check_random_state
from sparsecode.encoders._parameter_kinds import BIAS, THRESHOLD, WEIGHTS, Kind
from sparsecode.encoders._scalable_encoder import ScalableEncoder
from sparsecode.encoders.trainable import TrainableEncoder
from sparsecode.ops import (
    linear_backward,
    linear_forward,
    relu_backward,
    relu_forward,
    soft_threshold_backward,
    soft_threshold_forward,
)


@dataclass(eq=False)
class MLP(ScalableEncoder, TrainableEncoder):
    """Multi-layer perceptron (MLP) encoder: affine maps with rectifiers between them.

    From ``h_0 = x - offset``, ``h_{i+1} = relu(h_i @ W_i + b_i)``, and the last ``h`` is the code.
    It is non-negative. For signed codes the last layer is ``soft_threshold(h @ W + b, theta)``
    instead, so that these are sparse too. Without hidden layers it is the encoder of the standard
    sparse autoencoder, ``relu((x - offset) @ W_0 + b_0)``. A sample costs as many multiplications
    as the matrices have entries. Except for the offset, only `init` reads the dictionary.

    Parameters
    ----------
    hidden : tuple of int, default=(32,)
        Width of each hidden layer.
    positive : bool, default=True
        Whether codes are non-negative.
    params : dict of str to ndarray or None, default=None
        For each affine map `i`, ``"W_i"`` of shape (n_inputs, n_outputs) and ``"b_i"`` of shape
        (n_outputs,); for signed codes also ``"theta"`` of shape (n_components,). None takes those
        of `init`: biases and thresholds of 0, and weights for which the network computes
        ``relu((x - offset) @ atoms.T)``, with or without hidden layers. Hidden units then come in
        pairs with opposite random weights, whose difference is linear. The network is only close to
        this formula if a layer has fewer than ``2 * n_features`` units.

    Raises
    ------
    TypeError, ValueError
        By every method, if `hidden` is not a sequence of positive integers.

    References
    ----------
    D. Balduzzi and others, "The shattered gradients problem: if resnets are the answer, then what
    is the question?", 2017, for the start.

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
        # With random weights that do not depend on the atoms, many units die early.
        rng, shapes = check_random_state(random_state), self._shapes(dictionary)
        initial = {name: np.zeros(shape) for name, shape in shapes.items()}
        product = np.eye(dictionary.n_features)
        for i, width in enumerate(self._widths()):
            block = _orthogonal(product.shape[1], (width + 1) // 2, rng)
            signs = [[1, -1]] if i == 0 else [[1, -1], [-1, 1]]
            initial[f"W_{i}"] = _cropped(np.kron(signs, block), shapes[f"W_{i}"])
            product = product @ block
        i, block = len(self.hidden), np.linalg.pinv(product) @ dictionary.atoms.T
        signs = [[1]] if i == 0 else [[1], [-1]]
        initial[f"W_{i}"] = _cropped(np.kron(signs, block), shapes[f"W_{i}"])
        return initial

    def _shapes(self, dictionary):
        widths = [dictionary.n_features, *self._widths(), dictionary.n_components]
        shapes = {}
        for i, (n_inputs, n_outputs) in enumerate(itertools.pairwise(widths)):
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
                # In place, because a new large array would cost more than the rectifier.
                h, activation = relu_forward(h, out=h)
            else:
                h, activation = soft_threshold_forward(h, params["theta"])
            caches.append((linear, activation))
        return h, (caches, dictionary)

    def _backward(self, dcodes, cache, with_dictionary, out):
        caches, dictionary = cache
        offset = with_dictionary and dictionary.offset is not None
        dh, grads, last = dcodes, {}, len(caches) - 1
        for i in reversed(range(len(caches))):
            linear, activation = caches[i]
            if i < last or self.positive:
                # The gradient that was given is not written to.
                (da,) = relu_backward(dh, activation, out=dh if i < last else None)
            else:
                da, grads["theta"] = soft_threshold_backward(dh, activation)
            dh, grads[f"W_{i}"], grads[f"b_{i}"] = linear_backward(
                da, linear, with_input=i > 0 or offset
            )
        if offset:
            grads["offset"] = -dh.sum(axis=0)
        return grads

    @property
    def parameter_kinds(self) -> dict[str, Kind]:
        """Kind of each parameter; the codes scale with the parameters of the last map alone."""
        last, kinds = len(self.hidden), {"theta": THRESHOLD}
        for i in range(last + 1):
            codes = float(i == last)
            kinds[f"W_{i}"] = WEIGHTS._replace(codes=codes)
            kinds[f"b_{i}"] = BIAS._replace(codes=codes)
        return kinds

    def _products(self, X, dictionary):
        h, last = dictionary.center(X), len(self.hidden)
        for i in range(last):
            h = np.maximum(h @ self.params[f"W_{i}"] + self.params[f"b_{i}"], 0)
        return h @ self.params[f"W_{last}"]

    def _calibrated(self, A, share):
        if not self.positive:
            return {"theta": np.quantile(np.abs(A), 1 - share, axis=0)}
        return {f"b_{len(self.hidden)}": -np.quantile(A, 1 - share, axis=0)}

    def _check_parameters(self):
        check_flag(self.positive, "positive")
        if isinstance(self.hidden, str) or not (
            np.iterable(self.hidden) and hasattr(self.hidden, "__len__")
        ):
            raise TypeError(
                wrong(
                    "hidden",
                    got=shown(self.hidden),
                    expected="a tuple with the width of each hidden layer",
                    remedy="Use (32,) for one layer of 32 units, () for none.",
                )
            )
        self._widths()

    def _widths(self):
        """Width of each hidden layer, as Python numbers."""
        return [check_integer(width, "hidden") for width in self.hidden]

    def _n_layers(self, n_layers):
        # Only the whole network makes codes.
        return 1 if n_layers is None else check_integer(n_layers, "n_layers", high=1)


def _orthogonal(n_inputs, n_outputs, rng):
    """Random matrix with orthogonal rows or columns, its entries of variance ``2 / n_inputs``."""
    n_less = min(n_inputs, n_outputs)
    Q = np.linalg.qr(rng.standard_normal((max(n_inputs, n_outputs), n_less)))[0]
    return np.sqrt(2 * n_outputs / n_less) * (Q if n_inputs > n_outputs else Q.T)


def _cropped(weights, shape):
    """Remove the second unit of the last pair if the number of units is odd."""
    return weights[: shape[0], : shape[1]]
