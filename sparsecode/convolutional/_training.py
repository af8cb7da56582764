"""Training of a convolutional network: steps, the best parameters, and a loss that blows up."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._interrupts import halt_if_told
from sparsecode._messages import wrong
from sparsecode._values import check_instance
from sparsecode.optimizers import Adam
from sparsecode.optimizers.base import Optimizer

# Parameters are compared after so many steps, on as many crops as some steps look at.
_EVERY, _N_BATCHES = 10, 2
# A loss that is so many times that of the start has blown up.
_BLOWN_UP = 10
# Relative change of the loss that needs no warning.
_SLIGHT = 1e-3


class Training:
    """Steps on the parameters of a network.

    The loss of the same crops, drawn first, says which parameters are the best so far.

    Attributes
    ----------
    best : dict of str to ndarray
    """

    def __init__(self, network, params, crops, optimizer, batch_size, rng, verbose):
        self.network, self.crops, self.optimizer = network, crops, optimizer
        self.batch_size, self.rng, self.verbose = batch_size, rng, verbose
        self.best, self.params = params, _copied(params)
        self.compared = crops.draw(_N_BATCHES * batch_size, rng)
        self.first = self.lowest = self.last = self._loss()
        self._report(0)

    def run(self, n_steps):
        """Take steps, until there are enough or the loss blows up."""
        state = self.optimizer.init(self.params)
        for step in range(1, n_steps + 1):
            halt_if_told()
            self._step(step, state)
            if step % _EVERY == 0 or step == n_steps:
                self._compare(step)
                if self.last > _BLOWN_UP * self.first:
                    break
        self._tell(step)

    def _step(self, step, state):
        batch = self.crops.draw(self.batch_size, self.rng)
        # What overflows is told by the loss.
        with np.errstate(over="ignore", invalid="ignore"):
            loss, grads = self.network.loss_and_gradients(batch, self.params)
            if not np.isfinite(loss):
                raise _diverged(step, self.optimizer)
            self.optimizer.update(self.params, grads, state)
        np.maximum(self.params["theta"], 0, out=self.params["theta"])

    def _compare(self, step):
        self.last = self._loss()
        if not np.isfinite(self.last):
            raise _diverged(step, self.optimizer)
        if self.last < self.lowest:
            self.lowest, self.best = self.last, _copied(self.params)
        self._report(step)

    def _report(self, step):
        if self.verbose:
            print(f"step {step}: loss {self.last:.6g}")

    def _loss(self):
        with np.errstate(over="ignore", invalid="ignore"):
            return self.network.loss(self.compared, self.params)

    def _tell(self, step):
        """Warn if training ended above where it began."""
        if self.last > (1 + _SLIGHT) * self.first:
            is_first = self.lowest == self.first
            kept = (
                "its parameters from before" if is_first else "the best parameters of this training"
            )
            warnings.warn(
                f"Training raised the loss from {self.first:.4g} to {self.last:.4g} in {step} "
                f"steps. The network keeps {kept}. Lower the learning rate of {self.optimizer!r}, "
                "or scale the signals.",
                ConvergenceWarning,
                stacklevel=4,
            )


def check_optimizer(optimizer):
    """Return `optimizer`, which must take steps, or the default one for None."""
    optimizer = Adam(lr=1e-3) if optimizer is None else optimizer
    check_instance(optimizer, "optimizer", Optimizer, "an Optimizer or None", "Use Adam(lr=1e-3).")
    if optimizer.full_batch:
        raise ValueError(
            wrong(
                "optimizer",
                got=type(optimizer).__name__,
                expected="one that takes steps",
                remedy="Use Adam(lr=1e-3).",
            )
        )
    return optimizer


def _copied(params):
    return {name: np.array(array, order="C") for name, array in params.items()}


def _diverged(step, optimizer):
    return FloatingPointError(
        f"training diverged in step {step}: the loss became NaN or infinite; expected a finite "
        f"loss. Lower the learning rate of {optimizer!r}, or scale the signals. The best "
        "parameters until then are kept."
    )
