"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sparsecode import _jit
from sparsecode._validation import check_flag, check_number
from sparsecode.optimizers.base import Optimizer


@dataclass
class SGD(Optimizer):
    """SGD: stochastic gradient descent, with momentum if it is not 0.

    With ``g`` the gradient plus ``weight_decay * param``, a step is ``u = momentum u + g`` and
    ``param -= lr u``. With `nesterov` the step is along ``g + momentum u``.

    Parameters
    ----------
    lr : float or callable, default=1e-2
        Learning rate, or a schedule that gives it for a step counted from 0.
    momentum : float, default=0.0
        Decay of the running sum of gradients, in [0, 1).
    nesterov : bool, default=False
        Whether to use Nesterov momentum; `momentum` must not be 0.
    weight_decay : float, default=0.0
        Weight of ``||param||^2 / 2``, added to the loss.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization and
    momentum in deep learning", 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.optimizers import SGD
    >>> optimizer, params = SGD(lr=0.5), {"W": np.array([1.0, -1.0])}
    >>> optimizer.update(params, {"W": np.array([1.0, 0.0])}, optimizer.init(params))
    >>> params["W"]
    array([ 0.5, -1. ])
    """

    lr: float | Callable[[int], float] = 1e-2
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    @property
    def slots(self) -> tuple[str, ...]:
        return ("sum",) if self.momentum else ()

    def _check(self):
        super()._check()
        check_number(self.momentum, "momentum", low=0)
        check_number(self.weight_decay, "weight_decay", low=0)
        check_flag(self.nesterov, "nesterov")
        if self.momentum >= 1 or (self.nesterov and not self.momentum):
            raise ValueError(
                f"momentum is {self.momentum} with nesterov={self.nesterov}; expected "
                "momentum < 1, and > 0 for Nesterov's form. Use 0.9 for example."
            )

    def _constants(self, lr, n_steps, dtype):
        if not self.momentum:
            return dtype(lr), dtype(self.weight_decay)
        # The direction is a sum of the new gradient and of the running one, with these weights.
        present, past = (1.0, self.momentum) if self.nesterov else (0.0, 1.0)
        numbers = (lr, self.weight_decay, self.momentum, present, past)
        return tuple(dtype(number) for number in numbers)

    @property
    def _kernel(self):
        return _momentum_step if self.momentum else _plain_step


@_jit.kernel
def _plain_step(param, grad, lr, decay):
    for i in range(param.size):
        param[i] -= lr * (grad[i] + decay * param[i])


@_jit.kernel
def _momentum_step(param, grad, total, lr, decay, momentum, present, past):
    for i in range(param.size):
        slope = grad[i] + decay * param[i]
        total[i] = momentum * total[i] + slope
        param[i] -= lr * (present * slope + past * total[i])
