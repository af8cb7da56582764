"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode import _jit
from sparsecode._validation import check_number
from sparsecode._values import check_numbers
from sparsecode.optimizers.base import Optimizer


@dataclass
class Adam(Optimizer):
    """Adam: steps scaled by running averages of the gradient and of its square.

    ``m = b1 m + (1 - b1) g``, ``v = b2 v + (1 - b2) g^2``, and with ``m^ = m / (1 - b1^t)``,
    ``v^ = v / (1 - b2^t)``: ``param -= lr m^ / (sqrt(v^) + eps)``. One compiled pass over
    parameter, gradient and averages.

    Parameters
    ----------
    lr : float or callable, default=1e-3
        Learning rate, or a schedule that gives it for a step counted from 0.
    betas : tuple of float, default=(0.9, 0.999)
        Decay of the averages of the gradient and of its square, in [0, 1).
    eps : float, default=1e-8
        Number that keeps the step finite if the gradient is 0, in units of the gradient.

    References
    ----------
    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.optimizers import Adam
    >>> optimizer, params = Adam(lr=0.1), {"W": np.array([1.0, -1.0])}
    >>> state = optimizer.init(params)
    >>> optimizer.update(params, {"W": np.array([3.0, -0.5])}, state)
    >>> params["W"].round(6)
    array([ 0.9, -0.9])
    """

    lr: float | Callable[[int], float] = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("first", "second")

    def _check(self):
        super()._check()
        if not (check_numbers(self.betas, "betas", low=0, shape=(2,)) < 1).all():
            raise ValueError(
                f"betas is {self.betas}; expected two numbers >= 0 and below 1. Use (0.9, 0.999)."
            )
        check_number(self.eps, "eps", low=0, low_open=True)

    def _shrink(self, lr):
        return 1.0

    def _constants(self, lr, n_steps, dtype):
        b1, b2 = (float(beta) for beta in self.betas)
        rate = lr / (1 - b1**n_steps)
        root = 1 / np.sqrt(1 - b2**n_steps)
        numbers = (b1, 1 - b1, b2, 1 - b2, rate, root, self.eps, self._shrink(lr))
        return tuple(dtype(number) for number in numbers)

    @staticmethod
    def _kernel(*arguments):
        _adam_step(*arguments)


@dataclass
class AdamW(Adam):
    """AdamW: `Adam` with decoupled weight decay, ``param -= lr weight_decay param`` before a step.

    Unlike an l2 term in the loss, the decay is not scaled by the averages of the gradient.

    Parameters
    ----------
    lr : float or callable, default=1e-3
        Learning rate, or a schedule that gives it for a step counted from 0.
    betas : tuple of float, default=(0.9, 0.999)
        Decay of the averages of the gradient and of its square, in [0, 1).
    eps : float, default=1e-8
        Number that keeps the step finite if the gradient is 0, in units of the gradient.
    weight_decay : float, default=1e-2
        Weight decay: a step subtracts this share of a parameter, times the learning rate.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.optimizers import AdamW
    >>> optimizer, params = AdamW(lr=0.1, weight_decay=0.5), {"W": np.array([2.0])}
    >>> optimizer.update(params, {"W": np.array([0.0])}, optimizer.init(params))
    >>> params["W"]
    array([1.9])
    """

    weight_decay: float = 1e-2

    def _check(self):
        super()._check()
        check_number(self.weight_decay, "weight_decay", low=0)

    def _shrink(self, lr):
        return 1 - lr * self.weight_decay


@_jit.kernel
def _adam_step(param, grad, first, second, b1, rest1, b2, rest2, rate, root, eps, shrink):
    for i in range(param.size):
        slope = grad[i]
        mean = b1 * first[i] + rest1 * slope
        square = b2 * second[i] + rest2 * slope * slope
        first[i], second[i] = mean, square
        param[i] = shrink * param[i] - rate * mean / (np.sqrt(square) * root + eps)
