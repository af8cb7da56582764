"""One epoch of training: gradients of a batch, a step, and what is kept at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sparsecode._batches import Samples
from sparsecode._row_gradients import RowGradient, add_gradients
from sparsecode._rows import dense_rows
from sparsecode.losses import LossContext
from sparsecode.optimizers import clip_gradients
from sparsecode.optimizers.clipping import gradient_norm
from sparsecode.resampling import ResampleNeurons
from sparsecode.training.activity import Activity, activity_of
from sparsecode.training.checks import buffers_of
from sparsecode.training.corruption import corrupted
from sparsecode.training.live import LiveParameters
from sparsecode.training.stages import lr_scale

# A batch whose loss after its step is so many times that of the epoch was made far worse by it.
_BLOWN_UP = 10


class Progress(NamedTuple):
    """What a callback is told after every step.

    Attributes
    ----------
    n_epochs, n_steps : int
        Epochs that are complete, and steps taken, this one included.
    loss : float
        Of the batch, before the step.
    grad_norm : float
        Norm of its gradient, before clipping.
    lr : float
        Learning rate of the step.
    """

    n_epochs: int
    n_steps: int
    loss: float
    grad_norm: float
    lr: float


@dataclass
class Trainer:
    """Runs epochs; everything that changes is in the state."""

    encoder: object
    loss: object
    optimizer: object
    source: object
    held: Samples | None
    teacher: object
    stages: list
    n_epochs: int
    batch_size: int | None
    max_norm: float | None
    patience: int | None
    learn_dictionary: bool
    callback: object
    corrupt: object = None
    resampling: ResampleNeurons | None = None
    dead_window: int | None = None
    input_scale: float = 1.0
    stopped: bool = False
    _memory: dict | None = None
    _activity: Activity | None = None
    _last: object = None

    def enter(self, state, number):
        """State at the beginning of a stage: the best parameters so far, a fresh optimizer."""
        state = replace(state, params=state.best_params, dictionary=state.best_dictionary)
        live = self._live(state)
        best_loss = np.inf
        # An encoder that cannot be used before its first step is not the best so far.
        is_ready = not buffers_of(self.encoder) or self.encoder.is_ready(live.params)
        if self.held is not None and is_ready:
            with np.errstate(over="ignore", invalid="ignore"):
                best_loss = self._validate(
                    live, self.stages[number].n_layers, state.n_epochs, state.n_steps
                )
        return replace(
            state,
            optimizer=self.optimizer.init(live.learned),
            best_loss=best_loss,
            stage=number,
            n_stage_epochs=0,
            n_waited=0,
        )

    def is_over(self, state):
        """Whether the stage of a state has come to its end."""
        stage = self.stages[state.stage]
        n_epochs = self.n_epochs if stage.n_epochs is None else stage.n_epochs
        waited = self.patience is not None and state.n_waited >= self.patience
        return waited or state.n_stage_epochs >= n_epochs

    def epoch(self, state):
        """State after one more epoch, or None if there are no more batches."""
        begin = time.perf_counter()
        live = self._live(state)
        slots = {name: array.copy() for name, array in state.optimizer.items()}
        self._activity = activity_of(self.resampling, self.dead_window, live)
        run = self._minimize if self.optimizer.full_batch else self._steps
        # Overflow on the way to divergence is told by the error, not by warnings.
        with np.errstate(over="ignore", invalid="ignore"):
            rows = run(state, live, slots)
            if not rows:
                return None
            if not live.are_finite():
                raise diverged(state.n_epochs, self.optimizer)
            record = _means(rows)
            value = record["loss"]
            if self._activity is not None:
                record.update(self._activity.record())
            if self.resampling is not None:
                record["resampled"] = float(sum(row["resampled"] for row in rows))
            n_layers = self.stages[state.stage].n_layers
            if self.held is not None:
                n_steps = state.n_steps + sum(row["n_steps"] for row in rows)
                value = self._validate(live, n_layers, state.n_epochs, n_steps)
                record["validation"] = value
            elif self._blew_up(live, n_layers, state, value):
                # What the epoch started from is then all there is, judged by its first batch.
                value = np.inf
                state = replace(state, best_loss=min(state.best_loss, rows[0]["loss"]))
        record["n_layers"] = float(n_layers or 0)
        before = state.history["seconds"][-1] if state.n_epochs else 0.0
        record["seconds"] = before + time.perf_counter() - begin
        n_steps = state.n_steps + sum(row["n_steps"] for row in rows)
        return self._state(state, live, slots, value, n_steps, record)

    def _live(self, state):
        return LiveParameters(state, self.learn_dictionary, buffers_of(self.encoder))

    def _state(self, state, live, slots, value, n_steps, record):
        # Values of different functions tell nothing: then the latest parameters are the best.
        is_best = value < state.best_loss
        if not self.loss.is_constant:
            is_best = np.isfinite(value)
        dictionary = live.dictionary()
        return replace(
            state,
            params=live.params,
            memory=live.memory,
            dictionary=dictionary,
            best_params=live.params if is_best else state.best_params,
            best_dictionary=dictionary if is_best else state.best_dictionary,
            best_loss=value if is_best else state.best_loss,
            optimizer=slots,
            n_epochs=state.n_epochs + 1,
            n_steps=n_steps,
            n_stage_epochs=state.n_stage_epochs + 1,
            n_waited=0 if is_best else state.n_waited + 1,
            history=_extended(state.history, record, state.n_epochs),
        )

    def _steps(self, state, live, slots):
        """Take a step for each batch; returns what is known of each."""
        stage, rows, learned = self.stages[state.stage], [], live.learned
        scale = lr_scale(stage, self.encoder, live.params, live.atoms)
        for i, batch in enumerate(self.source.epoch(state.seed, state.n_epochs)):
            weight = _weight(batch)
            if weight == 0:
                continue
            self._last = batch
            n_steps, seed = state.n_steps + len(rows), (state.seed, state.n_epochs, i)
            result, grads, cache = self._gradients(
                live, batch, stage.n_layers, state.n_epochs, n_steps, seed
            )
            live.to_tangent(grads)
            norm = None if self.max_norm is None else clip_gradients(grads, self.max_norm)
            lr = self.optimizer.lr_at(int(slots["step"]))
            self.optimizer.update(learned, grads, slots, lr_scale=scale)
            live.project(grads)
            self._update_buffers(live, cache)
            # Products are measured by the step that makes them.
            norm = gradient_norm(grads) if norm is None else norm
            row = {"loss": result.value, **result.terms, **result.reports, "grad_norm": norm}
            if self.resampling is not None:
                row["resampled"] = self._resample(live, batch, slots, n_steps + 1, seed)
            rows.append({**row, "lr": lr * stage.lr, "weight": weight, "n_steps": 1})
            if self._told(Progress(state.n_epochs, state.n_steps + len(rows), *_seen(rows))):
                break
        return rows

    def _minimize(self, state, live, slots):
        """Minimise the loss of all samples; batches are only the pieces that it is summed over."""
        stage = self.stages[state.stage]
        remembered = {name: array.copy() for name, array in live.memory.items()}

        def evaluate(is_last=False):
            rows, sums = [], {}
            for name, array in remembered.items():
                # What a loss has seen counts once, not for every call of the function.
                live.memory[name][...] = array
            for i, batch in enumerate(self.source.epoch(state.seed, state.n_epochs)):
                weight = _weight(batch)
                if weight > 0:
                    # Of the epoch and the batch alone: the function must stay the same one.
                    seed = state.seed, state.n_epochs, i
                    result, grads, cache = self._gradients(
                        live, batch, stage.n_layers, state.n_epochs, state.n_steps, seed
                    )
                    if is_last:
                        self._update_buffers(live, cache)
                    told = {**result.terms, **result.reports}
                    rows.append({"loss": result.value, **told, "weight": weight})
                    for name, grad in grads.items():
                        grad = np.asarray(grad) * grad.dtype.type(weight)
                        sums[name] = sums[name] + grad if name in sums else grad
            total = sum(row["weight"] for row in rows)
            return _means(rows), {
                name: grad / grad.dtype.type(total) for name, grad in sums.items()
            }

        def function(params):
            means, grads = evaluate()
            return means["loss"], grads

        # The parameters are the live ones, which the optimizer changes before it calls.
        found = self.optimizer.minimize(function, live.learned)
        means, grads = evaluate(is_last=True)
        row = {**means, "grad_norm": clip_gradients(grads), "lr": 1.0, "weight": 1.0}
        self._told(Progress(state.n_epochs, state.n_steps + found.n_iter, *_seen([row])))
        return [{**row, "n_steps": found.n_iter}]

    def _resample(self, live, batch, slots, n_steps, seed):
        """Let dead units begin anew where it is time; returns how many."""
        if not self.resampling.is_due(n_steps):
            return 0
        dictionary = live.dictionary()
        X = self._samples(batch, dictionary.dtype)
        codes = self.encoder.forward(live.params, X, dictionary, **self._options(None, True))[0]
        new = self._activity.resample(
            self.resampling, self.encoder, live.params, dictionary, X, codes, batch, seed
        )
        for name, rows in {"atoms": new.atoms, **new.params}.items():
            live.learned[name][new.units] = rows
            self.optimizer.reset(slots, name, new.units)
        return len(new.units)

    def _gradients(self, live, batch, n_layers, n_epochs, n_steps=0, seed=None):
        """Loss of a batch, its gradient in everything that is learned, and the encoder's cache."""
        dictionary = live.dictionary()
        context = LossContext(n_steps, memory=live.memory, training=True)
        result, cache = self._judge(live, dictionary, batch, n_layers, context, seed)
        if not np.isfinite(result.value):
            raise diverged(n_epochs, self.optimizer)
        # Gradients as large as the parameters: their memory is used again for the next batch.
        options = {"dsignals": result.dsignals} if result.dsignals else {}
        grads = self._memory = self.encoder.backward(
            result.dcodes, cache, with_dictionary=self.learn_dictionary, out=self._memory, **options
        )
        # A gradient of one number may come as a scalar, which could not be clipped in place.
        grads = {
            name: grad if isinstance(grad, RowGradient) else np.asarray(grad)
            for name, grad in grads.items()
        }
        for name, grad in result.grads.items():
            grads[name] = add_gradients(grads.get(name), grad)
        return result, grads, cache

    def _update_buffers(self, live, cache):
        if live.buffers:
            self.encoder.update_buffers(live.params, cache)

    def _blew_up(self, live, n_layers, state, value):
        """Whether the last step made its batch far worse: losses are those before the steps."""
        if self.optimizer.full_batch:
            return False
        context = LossContext(state.n_steps, memory=live.memory)
        final = self._judge(live, live.dictionary(), self._last, n_layers, context)[0].value
        if not np.isfinite(final):
            raise diverged(state.n_epochs, self.optimizer)
        return final > _BLOWN_UP * abs(value)

    def _samples(self, batch, dtype):
        """Samples of a batch in the units of training."""
        X = dense_rows(batch.X, slice(None), dtype)
        return X if self.input_scale == 1 else X * dtype.type(self.input_scale)

    def _judge(self, live, dictionary, batch, n_layers, context, seed=None):
        dtype = dictionary.dtype
        X, target = self._samples(batch, dtype), batch.target
        if self.teacher is not None and target is None:
            target = self.teacher.encode(X, dictionary)
        elif target is not None:
            target = dense_rows(target, slice(None), dtype)
        options = self._options(n_layers, context.training)
        seen = X
        if self.corrupt is not None and context.training:
            seen = corrupted(X, self.corrupt, seed)
        codes, cache = self.encoder.forward(live.params, seen, dictionary, **options)
        if self._activity is not None and context.training:
            self._activity.see(codes)
        if self.loss.needs:
            context = context._replace(signals=cache.signals)
        result = self.loss.evaluate(
            X,
            dictionary,
            codes,
            target,
            batch.sample_weight,
            dictionary_grads=self.learn_dictionary and context.training,
            context=context,
        )
        return result, cache

    def _options(self, n_layers, training):
        """What this encoder is to be told besides parameters and samples."""
        options = {} if n_layers is None else {"n_layers": n_layers}
        if training and getattr(self.encoder, "depends_on_batch", False):
            options["training"] = True
        if getattr(self.encoder, "sparse_codes", False) and self.loss.takes_sparse:
            options["sparse"] = True
        if self.loss.needs:
            options["signals"] = self.loss.needs
        return options

    def _validate(self, live, n_layers, n_epochs, n_steps):
        """Mean loss of the samples that are not learned from."""
        dictionary, total, weights = live.dictionary(), 0.0, 0.0
        context = LossContext(n_steps, memory=live.memory)
        batches = (
            [self.held.whole()] if self.batch_size is None else self.held.batches(self.batch_size)
        )
        for batch in batches:
            weight = _weight(batch)
            if weight > 0:
                value = self._judge(live, dictionary, batch, n_layers, context)[0].value
                total, weights = total + weight * value, weights + weight
        if not np.isfinite(total):
            raise diverged(n_epochs, self.optimizer)
        return total / weights

    def _told(self, progress):
        if self.callback is not None and self.callback(progress):
            self.stopped = True
        return self.stopped


def diverged(n_epochs, optimizer):
    """The error for a loss or a parameter that became NaN or infinite after so many epochs."""
    lower = "Rescale X" if optimizer.full_batch else "Lower the learning rate, clip with max_norm"
    return FloatingPointError(
        f"training diverged in epoch {n_epochs + 1}: the loss or a parameter became NaN or "
        f"infinite. {lower}, or check X for extreme values. The best parameters before that "
        "are kept."
    )


def _extended(history, record, n_epochs):
    """History with one more epoch, NaN where an epoch has no such entry."""
    names = dict.fromkeys([*history, *record])
    missing = [np.nan] * n_epochs
    return {name: [*history.get(name, missing), record.get(name, np.nan)] for name in names}


def _weight(batch):
    return float(batch.X.shape[0] if batch.sample_weight is None else batch.sample_weight.sum())


def _seen(rows):
    return rows[-1]["loss"], rows[-1]["grad_norm"], rows[-1]["lr"]


def _means(rows):
    """Weighted means of what was recorded of each batch, and the last learning rate."""
    names = [name for name in rows[0] if name not in ("weight", "n_steps", "resampled")]
    if len(rows) == 1:
        return {name: float(rows[0][name]) for name in names}
    weights = [row["weight"] for row in rows]
    values = np.average([[row[name] for name in names] for row in rows], axis=0, weights=weights)
    means = dict(zip(names, values.tolist(), strict=True))
    if "lr" in means:
        means["lr"] = rows[-1]["lr"]
    return means
