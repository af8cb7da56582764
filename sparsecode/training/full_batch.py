"""The loss of all samples as one function of the parameters, for L-BFGS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sparsecode.optimizers import Optimizer, clip_gradients
from sparsecode.training.records import means

if TYPE_CHECKING:
    from sparsecode.training.batch_loss import BatchLoss
    from sparsecode.training.data import ArraySource
    from sparsecode.training.parameters import LiveParameters
    from sparsecode.training.state import TrainingState


class FullBatch:
    """Mean loss of all samples of an epoch, summed over batches.

    Parameters
    ----------
    batch_loss : BatchLoss
    source : ArraySource
    state : TrainingState
        State at the start of the epoch.
    live : LiveParameters
        Parameters of the function, which `minimize` changes.
    n_layers : int or None
        Layers to run; None is all.
    """

    def __init__(
        self,
        batch_loss: BatchLoss,
        source: ArraySource,
        state: TrainingState,
        live: LiveParameters,
        n_layers: int | None,
    ) -> None:
        self.batch_loss = batch_loss
        self.source = source
        self.state = state
        self.live = live
        self.n_layers = n_layers
        self.remembered: dict[str, np.ndarray] = {
            name: array.copy() for name, array in live.memory.items()
        }

    def minimize(self, optimizer: Optimizer) -> Any:
        """Minimise the loss over the parameters; return the record of this, as of a single step."""

        begun = False

        def function(params):
            nonlocal begun
            try:
                record, grads = self._evaluate()
            except FloatingPointError:
                if not begun:
                    raise
                # The line search backs off.
                return np.inf, {}
            begun = True
            return record["loss"], grads

        # The parameters are the live ones, which the optimizer changes before it calls.
        found = optimizer.minimize(function, self.live.learned)
        record, grads = self._evaluate(is_last=True)
        norm = clip_gradients(grads)
        return {**record, "grad_norm": norm, "lr": 1.0, "weight": 1.0, "n_steps": found.n_iter}

    def _evaluate(self, is_last=False):
        """Return the record of the loss, and its gradients."""
        state, live, rows, sums = self.state, self.live, [], {}
        for name, array in self.remembered.items():
            # The memory of a loss counts each sample once, not at every call of the function.
            live.memory[name][...] = array
        for i, batch in enumerate(self.source.epoch(state.seed, state.n_epochs)):
            weight = batch.weight
            if weight > 0:
                # The seed depends on the epoch and the batch alone, so that the function stays the
                # same.
                seed = state.seed, state.n_epochs, i
                result, grads, cache = self.batch_loss.gradients(
                    live, batch.counted(), self.n_layers, state.n_epochs, state.n_steps, seed
                )
                if is_last and live.buffers:
                    self.batch_loss.encoder.update_buffers(live.params, cache, len(rows))
                told = {**result.terms, **result.reports}
                rows.append({"loss": result.value, **told, "weight": weight})
                for name, grad in grads.items():
                    grad = np.asarray(grad) * grad.dtype.type(weight)
                    sums[name] = sums[name] + grad if name in sums else grad
        total = sum(row["weight"] for row in rows)
        return means(rows), {name: grad / grad.dtype.type(total) for name, grad in sums.items()}
