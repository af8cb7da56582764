"""Networks of convolutional layers: codes of signals, their losses, and gradients."""

from __future__ import annotations

import collections
from typing import NamedTuple

import numpy as np

from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._interrupts import halt_if_told
from sparsecode._messages import shown, wrong
from sparsecode._parallel import map_row_blocks, threads_of
from sparsecode.convolutional._layers import lasso, layer, layer_gradients

NAMES = ("W", "D", "theta")


class Network(NamedTuple):
    """A stack of layers for one dictionary; every call is given the parameters."""

    n_layers: int
    tied: bool
    positive: bool
    dictionary: ConvolutionalDictionary
    thresholds: np.ndarray
    n_jobs: int | None = None

    def first(self):
        """Parameters with which layers are iterates of ISTA."""
        dictionary = self.dictionary
        step = 1 / dictionary.lipschitz if dictionary.lipschitz > 0 else 0.0
        found = step * dictionary.planes, dictionary.planes, step * self.thresholds
        n_sets = 1 if self.tied else self.n_layers
        sets = [np.repeat(array[None], n_sets, axis=0) for array in found]
        return dict(zip(NAMES, sets, strict=True))

    def checked(self, given):
        """Parameters as they are given, in float64, whose shapes and ranges must fit."""
        found = {}
        for name, array in self.first().items():
            got = np.shape(given.get(name))
            if name not in given or got != array.shape:
                raise ValueError(
                    wrong(
                        f"params[{name!r}]",
                        got=f"shape {shown(got)}" if name in given else "missing",
                        expected=f"shape {shown(array.shape)}, as for this dictionary",
                        remedy="Use the dictionary that it was trained for, or params=None.",
                    )
                )
            found[name] = np.asarray(given[name], dtype=np.float64)
            # The threshold of an atom of infinite weight is infinite.
            infinite, given_infinite = np.isposinf(array), np.isposinf(found[name])
            if not np.where(infinite, given_infinite, np.isfinite(found[name])).all():
                raise _out_of_range(name, "an array with NaN or infinity", "finite numbers")
        if (found["theta"] < 0).any():
            raise _out_of_range("theta", f"{found['theta'].min():g}", "thresholds of at least 0")
        return found

    def codes(self, signal, params, n_layers=None):
        """Yield the codes of a signal before the first layer, and after each."""
        z = self._zeros(signal)
        yield z
        for t in range(self.n_layers if n_layers is None else n_layers):
            z = self._layer(signal, z, params, t).after
            yield z

    def last(self, signal, params, n_layers=None):
        """Codes of a signal after the last layer, without those before in memory."""
        return collections.deque(self.codes(signal, params, n_layers), maxlen=1)[0]

    def objectives(self, signal, params):
        """Objectives of the codes of a signal before the first layer, and after each."""
        return np.array([self._lasso(signal, z)[0] for z in self.codes(signal, params)])

    def loss(self, signals, params):
        """Mean objective of the codes of the last layer."""

        def one(signal):
            return self._lasso(signal, self.last(signal, params))[0]

        return sum(self.map(one, signals)) / len(signals)

    def loss_and_gradients(self, signals, params):
        """Mean objective of the codes of the last layer, and its gradients by the parameters."""

        def one(signal):
            return self._gradients(signal, params)

        total = {name: np.zeros_like(array) for name, array in params.items()}
        value = 0.0
        # In order of the signals, whichever is ready first.
        for part, grads in self.map(one, signals):
            value += part / len(signals)
            for name, grad in grads.items():
                total[name] += grad / len(signals)
        return value, total

    def map(self, function, signals):
        """Results of a function of one signal, on threads."""

        def block(rows):
            return [function(signal) for signal in signals[rows]]

        with threads_of(self.n_jobs):
            parts = map_row_blocks(
                block, len(signals), block_size=1, n_jobs=self.n_jobs, is_long=True
            )
        return [result for part in parts for result in part]

    def _gradients(self, signal, params):
        passes, z = [], self._zeros(signal)
        for t in range(self.n_layers):
            passes.append(self._layer(signal, z, params, t))
            z = passes[-1].after
        value, upstream = self._lasso(signal, z)
        grads = {name: np.zeros_like(array) for name, array in params.items()}
        for t in reversed(range(self.n_layers)):
            halt_if_told()
            upstream, *found = layer_gradients(signal, passes[t], upstream)
            for name, grad in zip(NAMES, found, strict=True):
                grads[name][self._set(t)] += grad
        return value, grads

    def _layer(self, signal, z, params, t):
        halt_if_told()
        kernels = (params[name][self._set(t)] for name in NAMES)
        return layer(signal, z, *kernels, self.positive)

    def _lasso(self, signal, z):
        return lasso(signal, z, self.dictionary, self.thresholds)

    def _zeros(self, signal):
        return np.zeros((self.dictionary.n_components, *self.dictionary.positions(signal.x.shape)))

    def _set(self, t):
        """Which set of parameters a layer has."""
        return 0 if self.tied else t


def _out_of_range(name, got, expected):
    return ValueError(
        wrong(
            f"params[{name!r}]", got=got, expected=expected, remedy="Train again from params=None."
        )
    )
