"""Convolutional LISTA: a few learned steps in the place of a solver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sparsecode._convolution.conversion import as_convolutional
from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._convolution.signals import check_signals
from sparsecode._convolutional_judge import check_l1
from sparsecode._interrupts import halt_if_told
from sparsecode._messages import shown, wrong
from sparsecode._parameters import Parameterized
from sparsecode._typing import RandomState
from sparsecode._validation import check_flag, check_integer, check_number, check_random_state
from sparsecode.convolutional._crops import check_crop, check_dict, check_optimizer, cropped
from sparsecode.convolutional._layers import lasso, layer, layer_gradients
from sparsecode.convolutional.base import check_thresholds
from sparsecode.convolutional.locally_greedy import LocallyGreedy
from sparsecode.convolutional.report import LayerReport
from sparsecode.optimizers.base import Optimizer
from sparsecode.penalties import L1

_NAMES = ("W", "D", "theta")


@dataclass(eq=False)
class ConvolutionalLISTA(Parameterized, BaseEstimator):
    """Convolutional LISTA: `n_layers` steps whose kernels and thresholds are trained.

    Predicts codes of ``min_z 1/2 sum_c ||x_c - sum_k z_k * d_kc||^2 + sum_k alpha_k ||z_k||_1``
    with, from ``z = 0``, ``z <- soft(z + W_t * (x - D_t * z), theta_t)``: ``D_t *`` is a sum of
    shifted kernels, ``W_t *`` their correlations at all positions. Before training, layer `k` is
    the `k`-th iterate of ISTA.

    Parameters
    ----------
    penalty : L1, default=L1()
        Penalty with its weight, of atoms or not, signed or not.
    n_layers : int, default=8
    tied : bool, default=False
        Whether all layers share one set of kernels and thresholds.
    params : dict of str to ndarray or None, default=None
        ``"W"`` and ``"D"`` of shape (n_sets, n_components, n_channels, height, width), where width
        is 1 for series, and ``"theta"`` of shape (n_sets, n_components). There are `n_layers` sets,
        or 1 if tied. `train` sets them. None is ISTA.

    References
    ----------
    K. Gregor and Y. LeCun, "Learning fast approximations of sparse coding", 2010.

    H. Sreter and R. Giryes, "Learned convolutional sparse coding", 2018.

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionalLISTA
    >>> from sparsecode.penalties import L1
    >>> network = ConvolutionalLISTA(L1(0.6), n_layers=30)
    >>> network.encode([[0.0, 1.0, 2.0, 1.0, 0.0]], [[1.0, 2.0, 1.0]]).round(2)
    array([[[0. , 0.9, 0. ]]])
    """

    penalty: L1 = field(default_factory=L1)
    n_layers: int = 8
    tied: bool = False
    params: dict[str, np.ndarray] | None = None

    def init(self, dictionary: ConvolutionalDictionary | ArrayLike) -> dict[str, np.ndarray]:
        """Return parameters with which layers are iterates of ISTA.

        Parameters
        ----------
        dictionary : ConvolutionalDictionary or array-like

        Returns
        -------
        params : dict of str to ndarray
        """
        dictionary, thresholds = self._checked(dictionary)
        step = 1 / dictionary.lipschitz if dictionary.lipschitz > 0 else 0.0
        found = step * dictionary.planes, dictionary.planes, step * thresholds
        sets = [np.repeat(array[None], self._n_sets(), axis=0) for array in found]
        return dict(zip(_NAMES, sets, strict=True))

    def encode(
        self,
        X: Any,
        dictionary: ConvolutionalDictionary | ArrayLike,
        *,
        n_layers: int | None = None,
    ) -> np.ndarray:
        """Compute the codes of signals of one size.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width)
        dictionary : ConvolutionalDictionary or array-like
        n_layers : int or None, default=None
            Stop after so many layers, 0 to `n_layers`. None is all.

        Returns
        -------
        codes : ndarray of shape (n_signals, n_components, ...)
        """
        signals, dictionary, params = self._inputs(X, dictionary)
        n_layers = self._n_layers(n_layers)
        codes = [self._run(x, params, n_layers)[0] for x in signals.arrays]
        dtype = np.result_type(signals.dtype, dictionary.dtype)
        return np.stack([dictionary.unplaned(code) for code in codes]).astype(dtype)

    def train(
        self,
        X: Any,
        dictionary: ConvolutionalDictionary | ArrayLike,
        *,
        optimizer: Optimizer | None = None,
        n_steps: int = 300,
        batch_size: int = 8,
        crop: int | tuple[int, ...] | None = None,
        random_state: RandomState = None,
    ) -> Self:
        """Train the parameters on the objective of the codes of the last layer.

        It begins at `params`. After Ctrl-C they are those of the last step.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width)
        dictionary : ConvolutionalDictionary or array-like
        optimizer : Optimizer or None, default=None
            One that takes steps. None is ``Adam(lr=1e-3)``.
        n_steps : int, default=300
        batch_size : int, default=8
            Signals of a step, drawn anew each time.
        crop : int, tuple of int or None, default=None
            Size of the part of a signal that a step looks at, drawn at random. None is all of it.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        self : ConvolutionalLISTA

        Raises
        ------
        ValueError
            If shapes do not fit, or a number is out of its range.
        FloatingPointError
            If training diverges. The parameters are those of the last step with a finite loss.
        """
        signals, dictionary, params = self._inputs(X, dictionary)
        optimizer = check_optimizer(optimizer)
        n_steps = check_integer(n_steps, "n_steps")
        batch_size = check_integer(batch_size, "batch_size")
        sizes = check_crop(crop, signals.arrays[0].shape[1:], dictionary)
        rng = check_random_state(random_state)
        params = {name: np.array(array, order="C") for name, array in params.items()}
        state, last = optimizer.init(params), params
        try:
            for step in range(n_steps):
                halt_if_told()
                chosen = rng.randint(signals.n_signals, size=batch_size)
                batch = [cropped(signals.arrays[i], sizes, rng) for i in chosen]
                # What overflows is told by the loss.
                with np.errstate(over="ignore", invalid="ignore"):
                    loss, grads = self._loss_and_gradients(batch, params, dictionary)
                if not np.isfinite(loss):
                    params = last
                    raise _diverged(step, optimizer)
                last = {name: array.copy() for name, array in params.items()}
                optimizer.update(params, grads, state)
                np.maximum(params["theta"], 0, out=params["theta"])
        finally:
            self.params = params
        return self

    def layer_report(
        self, X: Any, dictionary: ConvolutionalDictionary | ArrayLike, *, tol: float = 1e-6
    ) -> LayerReport:
        """Compare the codes after each layer with exact ones, and with as many steps of ISTA.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width)
            Signals that it was not trained on.
        dictionary : ConvolutionalDictionary or array-like
        tol : float, default=1e-6
            Relative duality gap of the exact codes.

        Returns
        -------
        report : LayerReport
        """
        signals, dictionary, params = self._inputs(X, dictionary)
        tol = check_number(tol, "tol", low=0, low_open=True)
        exact = LocallyGreedy(tol=tol).solve(X, dictionary, self.penalty, sparse_output=True)
        certificate = exact.certificate
        first, thresholds = self.init(dictionary), self.penalty.thresholds(dictionary.n_components)
        network, ista = (
            sum(
                np.array([lasso(x, z, dictionary, thresholds)[0] for z in self._run(x, sets)[1]])
                for x in signals.arrays
            )
            for sets in (params, first)
        )
        optimum, gap = float(certificate.objective.sum()), float(certificate.relative_gap.max())
        return LayerReport(network, ista, optimum, gap)

    def _run(self, x, params, n_layers=None):
        """Codes of one signal, and those before and after each layer."""
        n_components, _, height, width = params["W"].shape[1:]
        positions = x.shape[1] - height + 1, x.shape[2] - width + 1
        codes = [np.zeros((n_components, *positions))]
        for t in range(self.n_layers if n_layers is None else n_layers):
            codes.append(self._layer(x, codes[-1], params, t).after)
        return codes[-1], codes

    def _layer(self, x, z, params, t):
        kernels = (params[name][0 if self.tied else t] for name in _NAMES)
        return layer(x, z, *kernels, bool(self.penalty.positive))

    def _loss_and_gradients(self, batch, params, dictionary):
        """Mean objective of some signals, and its gradients by the parameters."""
        thresholds = self.penalty.thresholds(dictionary.n_components)
        grads = {name: np.zeros_like(array) for name, array in params.items()}
        total = 0.0
        for x in batch:
            z, passes = np.zeros((dictionary.n_components, *dictionary.positions(x.shape))), []
            for t in range(self.n_layers):
                passes.append(self._layer(x, z, params, t))
                z = passes[-1].after
            value, upstream = lasso(x, z, dictionary, thresholds)
            total += value / len(batch)
            upstream /= len(batch)
            for t in reversed(range(self.n_layers)):
                upstream, *found = layer_gradients(passes[t], upstream)
                for name, grad in zip(_NAMES, found, strict=True):
                    grads[name][0 if self.tied else t] += grad
        return total, grads

    def _checked(self, dictionary):
        check_l1(self.penalty)
        check_integer(self.n_layers, "n_layers")
        check_flag(self.tied, "tied")
        dictionary = as_convolutional(dictionary)
        return dictionary, check_thresholds(self.penalty, dictionary.n_components)

    def _inputs(self, X, dictionary):
        """Signals of one size, the dictionary and the parameters, all checked."""
        dictionary, _ = self._checked(dictionary)
        signals = check_signals(
            X, dictionary.n_dims, n_channels=dictionary.n_channels, support=dictionary.support
        )
        if len({x.shape for x in signals.arrays}) > 1:
            raise ValueError(
                wrong(
                    "X",
                    got="signals of several sizes",
                    expected="one size",
                    remedy="Give signals of each size apart, or cut them.",
                )
            )
        return signals, dictionary, self._params(dictionary)

    def _params(self, dictionary):
        first = self.init(dictionary)
        if self.params is None:
            return first
        given = check_dict(self.params)
        for name, array in first.items():
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
        found = {name: np.asarray(given[name], dtype=np.float64) for name in _NAMES}
        for name, array in found.items():
            if not np.isfinite(array).all():
                raise ValueError(
                    wrong(
                        f"params[{name!r}]",
                        got="an array with NaN or infinity",
                        expected="finite numbers",
                        remedy="Train again from params=None.",
                    )
                )
        return found

    def _n_layers(self, n_layers):
        if n_layers is None:
            return self.n_layers
        return check_integer(n_layers, "n_layers", low=0, high=self.n_layers)

    def _n_sets(self):
        return 1 if self.tied else self.n_layers


def _diverged(step, optimizer):
    return FloatingPointError(
        f"training diverged in step {step + 1}: the loss became NaN or infinite; expected a finite "
        f"loss. Lower the learning rate of {optimizer!r}, or scale the signals."
    )
