"""What an estimator keeps at the end of a training: nothing worse than what it began with."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode._row_blocks import dense_rows, is_on_disk
from sparsecode.training.batch_loss import BatchLoss

# Samples that training is judged by, and codes, a limit of memory.
_FEWEST, _MOST, _MOST_CODES = 256, 4096, 2**23
# Rows of a memory map that are read together.
_RUN = 64
# Samples that buffers are computed from, of which fewer count as a part of a running mean.
_ENOUGH = 256
# A relative change of the objective that nobody needs to be told of.
_SLIGHT = 1e-3


@dataclass
class Outcome:
    """Judges the end of a training against its start, on samples that it learned from.

    Parameters
    ----------
    begun : TrainingState
        The start.
    limit : float, default=1.0
        How many times the loss of the start the loss may be at the end.
    is_judged : bool, default=True
        Whether parameters are judged here, not on held-out samples while training.
    """

    begun: object
    limit: float = 1.0
    is_judged: bool = True
    _seen: list = field(default_factory=list)

    def see(self, batch):
        """Remember samples of a batch; only the latest are judged by."""
        self._seen.append(some_samples(batch, self.begun.dictionary))
        while sum(len(kept.X) for kept in self._seen[1:]) >= _most(self.begun.dictionary):
            self._seen.pop(0)

    def settle(self, model, *, tell=True):
        """Let a model go back to the start where that is better, and set its buffers."""
        if not self._seen or model.state_ is None:
            return
        samples = _joined(self._seen)
        with single_threaded_blas():
            told = self._go_back(model, samples)
            self._set_buffers(model, samples)
        if tell and told:
            warnings.warn(told, ConvergenceWarning, stacklevel=5)

    def _go_back(self, model, samples):
        """Keep the start if the end is worse; returns what there is to say of it."""
        state, begun = model.state_, self.begun
        if state.n_steps == begun.n_steps:
            return None
        if not self.is_judged:
            same = state.params is begun.params
            return _worse("did not lower the loss of the held-out samples") if same else None
        before, after = self._losses(model, samples)
        if after <= self.limit * before or not np.isfinite(before):
            return None
        model._keep(replace(state, optimizer=begun.optimizer), begun.params, begun.dictionary)
        if after <= (1 + _SLIGHT) * before:
            return None
        return _worse(f"raised the loss from {before:.4g} to {after:.4g}")

    def _losses(self, model, samples):
        """Loss with the parameters of the start, and with those that are kept, both alike."""
        encoder, _ = model._to_train()
        loss = BatchLoss(
            encoder,
            model._training_loss(),
            None,
            None,
            False,
            model._training_options().get("corrupt"),
            float(model._input_scale),
        )
        state = model.state_
        with np.errstate(over="ignore", invalid="ignore"):
            return [
                loss.judge(point, samples, memory=state.memory, n_steps=state.n_steps)
                for point in (self.begun, state)
            ]

    def _set_buffers(self, model, samples):
        """Set what gradients do not train from the samples."""
        state = model.state_
        encoder = model._to_train()[0].bind(state.params)
        if not encoder.buffers:
            return
        X = samples.X * samples.X.dtype.type(model._input_scale)
        found = encoder.set_buffers(X, state.dictionary, samples.sample_weight).params
        share, params = min(len(X) / _ENOUGH, 1.0) if self.limit > 1 else 1.0, dict(state.params)
        for name in encoder.buffers:
            old, new = params[name], found[name]
            if np.isfinite(old).all():
                new = share * new + (1 - share) * old
            params[name] = np.asarray(new, dtype=np.asarray(old).dtype)
        model._keep(state, params, state.dictionary)


def some_samples(batch, dictionary):
    """As many samples of a batch as tell how good parameters are, always the same, dense."""
    X, weight, target = batch
    rows = np.arange(X.shape[0]) if weight is None else np.flatnonzero(weight)
    n_most, run = _most(dictionary), _RUN if is_on_disk(X) else 1
    if len(rows) > n_most:
        starts = np.arange(0, len(rows), run)
        drawn = np.random.default_rng(0).choice(starts, max(n_most // run, 1), replace=False)
        rows = rows[(np.sort(drawn)[:, None] + np.arange(run)).ravel().clip(max=len(rows) - 1)]
    return Batch(
        dense_rows(X, rows, dictionary.dtype).copy(),
        None if weight is None else weight[rows],
        None if target is None else dense_rows(target, rows, dictionary.dtype),
    )


def _most(dictionary):
    return max(_FEWEST, min(_MOST, _MOST_CODES // dictionary.n_components))


def _joined(batches):
    """One batch of all; a batch without weights weighs each sample 1."""
    X, weights, targets = zip(*batches, strict=True)
    weight = None
    if any(found is not None for found in weights):
        # Batches of a stream have weights where outliers were left out.
        weight = np.concatenate(
            [
                np.ones(len(x)) if found is None else found
                for x, found in zip(X, weights, strict=True)
            ]
        )
    target = None if targets[0] is None else np.concatenate(targets)
    return Batch(np.concatenate(X), weight, target)


def _worse(what):
    return (
        f"Training {what}: it diverged, or had nothing left to learn. What it began with is kept. "
        "Lower the learning rate, clip with max_norm, or check X for extreme values."
    )
