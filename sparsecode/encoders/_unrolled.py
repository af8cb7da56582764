"""Base class of the unrolled networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._messages import wrong
from sparsecode._parallel import rows_of_product, scratches
from sparsecode._validation import check_integer, check_number
from sparsecode.encoders._gradients import Gradients
from sparsecode.encoders.trainable import TrainableEncoder
from sparsecode.ops import soft_threshold_backward, support_threshold_backward
from sparsecode.ops.thresholds import selected_sum, shrunk_sum
from sparsecode.penalties import L1
from sparsecode.penalties.base import check_penalty_instance
from sparsecode.solvers._requirements import incompatible


class Thresholds(NamedTuple):
    """Thresholds of the layers, ``stack[t] * scale``, with or without support selection."""

    name: str
    stack: np.ndarray
    scale: np.ndarray | None
    positive: bool
    counts: tuple[Any, ...]

    def forward(self, t, terms, out=None):
        """Codes after layer `t`, and the cache of its `backward`."""
        theta = self.stack[min(t, len(self.stack) - 1)]
        theta = theta if self.scale is None else theta * self.scale
        if not self.counts:
            return shrunk_sum(*terms, theta, self.positive, out)
        return selected_sum(*terms, theta, self.counts[t], self.positive, out)

    def backward(self, t, dcodes, cache, grads, out=None):
        """Add the gradient of the threshold; return that of the pre-activations."""
        backward = support_threshold_backward if self.counts else soft_threshold_backward
        dV, dtheta = backward(dcodes, cache, out=out)
        grads.add(self.name, t, dtheta if self.scale is None else np.sum(dtheta * self.scale))
        return dV


class Tape(NamedTuple):
    """Arrays of a forward pass of a network that its gradients need."""

    layers: object
    thresholds: Thresholds
    params: dict[str, Any]
    dictionary: object
    x: np.ndarray
    shared: np.ndarray | None
    codes: list[Any]
    kept: list[Any]
    caches: list[Any]


@dataclass(eq=False)
class Unrolled(TrainableEncoder):
    """Base of the unrolled networks.

    A subclass defines ``_initial``, ``_shapes``, and ``_layers(params, dictionary, n_rows,
    n_layers)``, one of the classes in `sparsecode.encoders._layers`.

    Parameters
    ----------
    penalty : L1, default=L1()
    n_layers : int, default=16
    """

    penalty: L1 = field(default_factory=L1)
    n_layers: int = 16

    @property
    def starts_at_ista(self) -> bool:
        """Whether `k` layers with the parameters of `init` are `k` iterations of ISTA."""
        return True

    def _forward(self, params, x, dictionary, n_layers):
        layers = self._layers(params, dictionary, len(x), n_layers)
        thresholds = self._thresholds(params, dictionary)
        shared = layers.start(x)
        codes, kept, caches = [None], [], []
        shapes = (len(x), len(dictionary.atoms)), (len(x), layers.n_work)
        V, work = scratches(shapes, x.dtype)
        # The residuals are kept.
        work = None if layers.reads_atoms else work
        for t in range(n_layers):
            terms, residual = layers.forward(t, x, codes[-1], shared, out=V, work=work)
            z, cache = thresholds.forward(t, terms)
            codes.append(z)
            kept.append(residual)
            caches.append(cache)
        tape = Tape(layers, thresholds, params, dictionary, x, shared, codes, kept, caches)
        return codes[-1], tape

    def _backward(self, dcodes, tape, with_dictionary, out):
        layers = tape.layers
        dictionary = tape.dictionary if with_dictionary else None
        grads = Gradients(tape.params, dictionary, layers.reads_atoms, out)
        (spare, before), dz, dv = scratches([dcodes.shape] * 2, dcodes.dtype), dcodes, None
        for t in reversed(range(len(tape.kept))):
            # The first one may become a sum over the layers.
            out = None if dv is None else spare
            dv = tape.thresholds.backward(t, dz, tape.caches[t], grads, out=out)
            z, kept = tape.codes[t], tape.kept[t]
            dz = layers.backward(t, tape.x, z, kept, tape.shared, dv, grads, out=before)
        layers.finish(tape.x, grads)
        return grads.finish(tape.params)

    def _row_encoder(self, params, dictionary, n_layers, n_rows):
        layers = self._layers(params, dictionary, n_rows, n_layers).for_rows(n_rows)
        thresholds = self._thresholds(params, dictionary)

        def encode_rows(x, out):
            shape = len(x), dictionary.n_components
            shapes = shape, (len(x), layers.n_work), shape if out is None else (0, 0)
            V, work, codes = scratches(shapes, x.dtype)
            codes = codes if out is None else out
            shared, z = layers.start(x), None
            for t in range(n_layers):
                terms, _ = layers.forward(t, x, z, shared, out=V, work=work)
                z, _ = thresholds.forward(t, terms, out=codes)
            return codes

        return encode_rows

    def _rows_a_block(self, n_rows, row_bytes):
        return rows_of_product(n_rows, row_bytes)

    def _thresholds(self, params, dictionary):
        counts = self._counts(len(dictionary.atoms))
        scale = self._scale(params, dictionary)
        name, positive = self._threshold_name, bool(self.penalty.positive)
        return Thresholds(name, params[name], scale, positive, counts)

    _threshold_name = "theta"

    def _scale(self, params, dictionary):
        """Factor of the thresholds: weights of the penalty, or None with a threshold per atom."""
        if self.penalty.weights is None or params["theta"].ndim > 1:
            return None
        return self._weights(dictionary)

    def _weights(self, dictionary):
        relative = self.penalty._replace(alpha=1.0).thresholds(dictionary.n_components)
        return relative.astype(dictionary.dtype)

    def _counts(self, n_components):
        """Number of entries that each layer does not shrink; empty for a soft threshold."""
        return ()

    def _check_parameters(self):
        check_integer(self.n_layers, "n_layers")
        check_l1(self)

    def _n_layers(self, n_layers):
        if n_layers is None:
            return self.n_layers
        return check_integer(n_layers, "n_layers", high=self.n_layers)


@dataclass(eq=False)
class SupportSelection:
    """Support selection for unrolled networks: the largest entries are not shrunk.

    Parameters
    ----------
    p : float, default=1.2
        In layer `k`, counted from 1, ``min(p * k, p_max)`` percent of the entries of a code are not
        shrunk.
    p_max : float, default=13.0
    """

    p: float = 1.2
    p_max: float = 13.0

    @property
    def starts_at_ista(self) -> bool:
        """Whether `k` layers with the parameters of `init` are `k` iterations of ISTA."""
        return self.p == 0

    def _counts(self, n_components):
        if self.p == 0:
            return ()
        percent = np.minimum(self.p * np.arange(1, self.n_layers + 1), self.p_max)
        return tuple(int(count) for count in np.rint(percent / 100 * n_components))

    def _check_parameters(self):
        super()._check_parameters()
        check_number(self.p, "p", low=0, high=100)
        check_number(self.p_max, "p_max", low=0, high=100)


def check_l1(encoder):
    """Raise an error that names the encoder unless its penalty is l1 with finite weights."""
    penalty = encoder.penalty
    if not isinstance(penalty, L1):
        check_penalty_instance(penalty)
        remedy = "Use L1, or Exact for other penalties."
        raise incompatible(encoder, "an l1 penalty", penalty, remedy)
    penalty.checked()
    if penalty.weights is not None and np.isinf(penalty.weights).any():
        raise ValueError(
            wrong(
                f"weights of the L1 of {type(encoder).__name__}",
                got="infinite for some atoms",
                expected="finite weights, as thresholds are trained",
                remedy="Leave these atoms out of the dictionary, or use Exact.",
            )
        )


def inverse_step(dictionary):
    """The inverse of the step of ISTA."""
    return dictionary.lipschitz * _jit.ABOVE_ONE


def initial_thresholds(encoder, dictionary, step, n_sets, per_atom):
    """Initial thresholds, `step` times the weight of the penalty, one per set or per atom."""
    if per_atom:
        thresholds = step * encoder.penalty.thresholds(dictionary.n_components)
        return np.tile(thresholds, (n_sets, 1))
    return np.full(n_sets, step * encoder.penalty.alpha)
