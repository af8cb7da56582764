"""Outcomes of training: an estimator keeps the initial parameters if training made them worse."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode._row_blocks import dense_rows, is_on_disk
from sparsecode._sample_moments import in_training_units
from sparsecode.training.batch_loss import BatchLoss

# Number of samples that parameters are compared on, and limit of codes for memory.
_FEWEST, _MOST, _MOST_CODES = 256, 4096, 2**23
# Rows of a memory map that are read together.
_RUN = 64
# Number of samples that buffers are computed from; fewer have a share in a running mean.
_ENOUGH = 256
# Factor by which a part of a training may increase the loss.
_BLOWN_UP = 10.0
# Relative change of the objective that needs no warning.
_SLIGHT = 1e-3


class Outcome:
    """Comparison of the end of a training with its start, on training samples.

    Parameters
    ----------
    run : TrainingRun
    first : TrainingState or None
        State at the start; None is that of the first batch.
    is_part : bool, default=False
        Whether the run is a part of a longer training. It is then checked after each batch, and the
        loss may increase by some factor.
    is_held_out : bool, default=False
        Whether training uses held-out samples for validation.
    """

    def __init__(self, run, first, *, is_part=False, is_held_out=False):
        self.run, self.first = run, first
        self.is_part, self.is_held_out = is_part, is_held_out
        self._seen, self._lost = [], None

    def see(self, batch, state=None):
        """Store samples of a batch, seen before `state`; only the latest ones are kept."""
        self.first = self.first or state
        if self.is_part and not self.run.estimator._model.encoder.buffers:
            return
        self._seen.append(some_samples(batch, self.first.dictionary))
        while sum(len(kept.X) for kept in self._seen[1:]) >= _most(self.first.dictionary):
            self._seen.pop(0)

    def check(self, batch, trainer):
        """Check a part of a training after a batch, if its loss seems to be far worse."""
        suspect = trainer.last_loss > _BLOWN_UP * abs(trainer.first_loss)
        if self.is_part and suspect and self._lost is None:
            before, after = self._losses(some_samples(batch, self.first.dictionary))
            if np.isfinite(before) and after > _BLOWN_UP * before:
                self._lost = before, after

    def settle(self, *, tell=True):
        """Return the estimator to the start if that is better, and set its buffers."""
        state = vars(self.run.estimator).get("state_")
        if self.first is None or state is None:
            return
        with single_threaded_blas():
            told = self._go_back(state)
            if self._seen:
                self._set_buffers(_joined(self._seen))
        if tell and told:
            warnings.warn(told, ConvergenceWarning, stacklevel=6 if self.is_part else 7)

    def _go_back(self, state):
        """Keep the start if the end is worse; return a message about it."""
        first = self.first
        if state.n_steps == first.n_steps:
            return None
        if self.is_held_out:
            same = state.params is first.params
            return _worse("did not lower the loss of the held-out samples") if same else None
        if self.is_part:
            if self._lost is None:
                return None
            before, after = self._lost
        else:
            before, after = self._losses(_joined(self._seen))
            if after <= before or not np.isfinite(before):
                return None
        begun = dataclasses.replace(state, optimizer=first.optimizer)
        if self.run.plan.loss.sorts_units:
            # What the memory knows of the units is in the order of the end.
            begun = dataclasses.replace(begun, memory=first.memory)
        self.run.keep(begun, first.params, first.dictionary)
        if after <= (1 + _SLIGHT) * before:
            return None
        return _worse(f"raised the loss from {before:.4g} to {after:.4g}")

    def _losses(self, samples):
        """Loss with the parameters of the start and of the end, on the same samples."""
        run = self.run
        model, state = run.estimator._model, run.estimator.state_
        encoder, scale = model.to_training()[0], model.scaling.inputs
        corrupt = run.plan.corrupt
        loss = BatchLoss(encoder, run.training_loss, None, None, False, corrupt, scale)
        with np.errstate(over="ignore", invalid="ignore"):
            return [
                loss.judge(point, samples, memory=state.memory, n_steps=state.n_steps)
                for point in (self.first, state)
            ]

    def _set_buffers(self, samples):
        """Set the buffers, which gradients do not train, from the samples."""
        model, state = self.run.estimator._model, self.run.estimator.state_
        encoder = model.to_training()[0].bind(state.params)
        if not encoder.buffers:
            return
        X = in_training_units(samples.X, model.scaling.inputs)
        found = encoder.set_buffers(X, state.dictionary, samples.sample_weight).params
        share = min(len(X) / _ENOUGH, 1.0) if self.is_part else 1.0
        params = dict(state.params)
        for name in encoder.buffers:
            old, new = params[name], found[name]
            if np.isfinite(old).all():
                new = share * new + (1 - share) * old
            params[name] = np.asarray(new, dtype=np.asarray(old).dtype)
        self.run.keep(state, params, state.dictionary)


def some_samples(batch, dictionary):
    """Return dense samples of a batch to compare parameters on, always the same ones."""
    X, weight, target = to_compare(batch, dictionary)
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


def to_compare(batch, dictionary):
    """Return some samples of a Dask array, always the same ones; any other batch itself."""
    return batch.limited(np.random.default_rng(0), _most(dictionary))


def _most(dictionary):
    return max(_FEWEST, min(_MOST, _MOST_CODES // dictionary.n_components))


def _joined(batches):
    """Join batches to one; a batch without weights has a weight of 1 for each sample."""
    X, weights, targets = zip(*batches, strict=True)
    weight = None
    if any(found is not None for found in weights):
        # Batches of an iterator have weights if outliers were dropped.
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
        f"Training {what}: it diverged, or nothing was left to learn. The model keeps its initial "
        "parameters. Lower the learning rate, clip with max_norm, or check X for extreme values."
    )
