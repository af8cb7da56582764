"""The loss of all samples as one function of the parameters, for L-BFGS."""

from __future__ import annotations

import numpy as np

from sparsecode.optimizers import clip_gradients
from sparsecode.training.records import means


class FullBatch:
    """Mean loss of all samples of an epoch; batches are only the pieces that it is summed over.

    Parameters
    ----------
    batch_loss : BatchLoss
    source : ArraySource
    state : TrainingState
        The one that the epoch starts from.
    live : LiveParameters
        What the function depends on, and what `minimize` changes.
    n_layers : int or None
        Layers to run; None is all.
    """

    def __init__(self, batch_loss, source, state, live, n_layers):
        self.batch_loss, self.source, self.state = batch_loss, source, state
        self.live, self.n_layers = live, n_layers
        self.remembered = {name: array.copy() for name, array in live.memory.items()}

    def minimize(self, optimizer):
        """Bring the parameters to a minimum; returns what is known of the one step that it is."""

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
        """What is known of the loss, and its gradients."""
        state, live, rows, sums = self.state, self.live, [], {}
        for name, array in self.remembered.items():
            # What a loss has seen counts once, not for every call of the function.
            live.memory[name][...] = array
        for i, batch in enumerate(self.source.epoch(state.seed, state.n_epochs)):
            weight = batch.weight
            if weight > 0:
                # Of the epoch and the batch alone: the function must stay the same one.
                seed = state.seed, state.n_epochs, i
                result, grads, cache = self.batch_loss.gradients(
                    live, batch.counted(), self.n_layers, state.n_epochs, state.n_steps, seed
                )
                if is_last:
                    live.update_buffers(self.batch_loss.encoder, cache, len(rows))
                told = {**result.terms, **result.reports}
                rows.append({"loss": result.value, **told, "weight": weight})
                for name, grad in grads.items():
                    grad = np.asarray(grad) * grad.dtype.type(weight)
                    sums[name] = sums[name] + grad if name in sums else grad
        total = sum(row["weight"] for row in rows)
        return means(rows), {name: grad / grad.dtype.type(total) for name, grad in sums.items()}
