"""Epochs of training: the steps for batches, and the best parameters."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsecode._batches import Samples, rows_of
from sparsecode._blas import single_threaded_blas
from sparsecode._factored_gradients import gradient_norm
from sparsecode.optimizers import clip_gradients
from sparsecode.replacement import ReplaceUnits
from sparsecode.training.activity import Activity
from sparsecode.training.batch_loss import BatchLoss
from sparsecode.training.checks import check_state
from sparsecode.training.full_batch import FullBatch
from sparsecode.training.parameters import LiveParameters
from sparsecode.training.records import Progress, diverged, extended, means
from sparsecode.training.stages import lr_scale
from sparsecode.training.unit_order import reorder_units

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

# A step made its batch far worse if the loss after it is this many times that of the epoch.
_BLOWN_UP = 10
# Samples that are looked at first.
_FEW = 64


@dataclass
class Trainer:
    """Runner of epochs on the samples in `source`; parameters are in the states.

    After an epoch, `first_loss` is the loss of the first batch before the first step. `last_loss`
    is the loss of some samples of the last batch after the last step. Both are NaN if not known.
    """

    encoder: object
    loss: object
    optimizer: object
    batch_loss: BatchLoss
    stages: list[Any]
    n_epochs: int
    batch_size: int | None
    max_norm: float | None
    patience: int | None
    learn_dictionary: bool
    callback: object
    replacement: ReplaceUnits | None = None
    dead_window: int | None = None
    source: object = None
    held: Samples | None = None
    stopped: bool = False
    first_loss: float = np.nan
    last_loss: float = np.nan
    _activity: Activity | None = None
    _lr_scales: dict[str, Any] = field(default_factory=dict)
    _last: object = None

    def enter(self, state: Any, number: int) -> Any:
        """State at the beginning of a stage: the best parameters so far, a fresh optimizer."""
        state = replace(state, params=state.best_params, dictionary=state.best_dictionary)
        live = self._live(state)
        best_loss = np.inf
        if self.held is not None and self._can_encode(live.params):
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

    def is_over(self, state: Any) -> Any:
        """Whether the stage of a state is finished."""
        stage = self.stages[state.stage]
        n_epochs = self.n_epochs if stage.n_epochs is None else stage.n_epochs
        waited = self.patience is not None and state.n_waited >= self.patience
        return waited or state.n_stage_epochs >= n_epochs

    @single_threaded_blas()
    def epoch(self, state: Any) -> Any:
        """State after one more epoch, or None if there are no more batches."""
        begin = time.perf_counter()
        live = self._live(state)
        slots = {name: array.copy() for name, array in state.optimizer.items()}
        self._activity = self._count(live)
        run = self._minimize if self.optimizer.full_batch else self._steps
        # An overflow before divergence is reported by the error, not by warnings.
        with np.errstate(over="ignore", invalid="ignore"):
            rows = run(state, live, slots)
            if not rows:
                return None
            if not live.are_finite():
                raise diverged(state.n_epochs, self.optimizer)
            record = means(rows)
            value = record["loss"]
            if self._activity is not None:
                record.update(self._activity.record())
            if self.replacement is not None:
                record["replaced"] = float(sum(row["replaced"] for row in rows))
            n_layers = self.stages[state.stage].n_layers
            self.first_loss, self.last_loss = rows[0]["loss"], np.nan
            if self.held is not None:
                n_steps = state.n_steps + sum(row["n_steps"] for row in rows)
                value = self._validate(live, n_layers, state.n_epochs, n_steps)
                record["validation"] = value
            elif self._blew_up(live, n_layers, state, value):
                # Then only the parameters at the start are known, and the loss of the first batch.
                value = np.inf
                state = replace(state, best_loss=min(state.best_loss, rows[0]["loss"]))
        record["n_layers"] = float(n_layers or 0)
        before = state.history["seconds"][-1] if state.n_epochs else 0.0
        record["seconds"] = before + time.perf_counter() - begin
        n_steps = state.n_steps + sum(row["n_steps"] for row in rows)
        return self._state(state, live, slots, value, n_steps, record)

    def release(self) -> None:
        """Let go of the samples."""
        self.source = self._last = None

    def check_state(self, state: Any, dictionary: Dictionary) -> None:
        """Raise if training cannot resume from a state."""
        check_state(
            state,
            self.encoder,
            dictionary,
            self.optimizer,
            self.learn_dictionary,
            len(self.stages),
        )

    def _live(self, state):
        return LiveParameters(state, self.learn_dictionary, self.encoder.buffers)

    def _state(self, state, live, slots, value, n_steps, record):
        # Losses of different functions cannot be compared: the latest parameters count as the best.
        is_best = value < state.best_loss
        if not self.batch_loss.is_constant:
            is_best = np.isfinite(value)
        if not self._can_encode(state.best_params):
            is_best = True
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
            history=extended(state.history, record, state.n_epochs),
        )

    def _count(self, live):
        """Activation counts for one epoch, or None if they are not needed."""
        window = self.dead_window
        if window is None and self.replacement is None:
            return None
        window = self.replacement.dead_window if window is None else window
        return Activity(live.memory, live.given.n_components, window)

    def _can_encode(self, params):
        """Whether the buffers of an encoder are set; before, its parameters cannot be the best."""
        return not self.encoder.buffers or self.encoder.is_ready(params)

    def _steps(self, state, live, slots):
        """Take a step for each batch; return the records of the steps."""
        stage, rows, learned = self.stages[state.stage], [], live.learned
        if state.stage not in self._lr_scales:
            scale = lr_scale(stage, self.encoder, live.params, live.atoms)
            self._lr_scales[state.stage] = scale
        scale = self._lr_scales[state.stage]
        for i, batch in enumerate(self.source.epoch(state.seed, state.n_epochs)):
            weight = batch.weight
            if weight == 0:
                continue
            self._last = batch = batch.counted()
            n_steps, seed = state.n_steps + len(rows), (state.seed, state.n_epochs, i)
            result, grads, cache = self.batch_loss.gradients(
                live, batch, stage.n_layers, state.n_epochs, n_steps, seed, self._activity
            )
            live.to_tangent(grads)
            norm = None if self.max_norm is None else clip_gradients(grads, self.max_norm)
            lr = self.optimizer.lr_at(int(slots["step"]))
            self.optimizer.update(learned, grads, slots, lr_scale=scale)
            live.project(grads)
            if live.buffers:
                self.encoder.update_buffers(live.params, cache, n_steps)
            # The norm of factored gradients is computed in the step itself.
            norm = gradient_norm(grads) if norm is None else norm
            row = {"loss": result.value, **result.terms, **result.reports, "grad_norm": norm}
            if self.replacement is not None:
                row["replaced"] = self._replace_dead(live, batch, slots, n_steps + 1, seed)
            order = self.loss.unit_order(n_steps + 1, live.memory)
            if order is not None:
                reorder_units(order, live, slots, self.encoder, self.optimizer, self._activity)
            rows.append({**row, "lr": lr * stage.lr, "weight": weight, "n_steps": 1})
            if self._told(rows[-1], state.n_epochs, n_steps + 1):
                break
        return rows

    def _minimize(self, state, live, slots):
        """Minimise the loss of all samples; return the record of this single step."""
        n_layers = self.stages[state.stage].n_layers
        samples = FullBatch(self.batch_loss, self.source, state, live, n_layers)
        row = samples.minimize(self.optimizer)
        self._told(row, state.n_epochs, state.n_steps + row["n_steps"])
        return [row]

    def _replace_dead(self, live, batch, slots, n_steps, seed):
        """Replace dead units if a replacement is due; return their number."""
        if not self.replacement.is_due(n_steps):
            return 0
        dictionary = live.dictionary()
        X, codes = self.batch_loss.encode(live, dictionary, batch, n_steps - 1)
        new = self._activity.replace_dead(
            self.replacement, self.encoder, live.params, dictionary, X, codes, batch, seed
        )
        for name, rows in {"atoms": new.atoms, **new.params}.items():
            live.learned[name][new.units] = rows
            self.optimizer.reset(slots, name, new.units)
        return len(new.units)

    def _blew_up(self, live, n_layers, state, value):
        """Whether the last step made the loss of its batch far worse."""
        if self.optimizer.full_batch or not self._can_encode(live.params):
            return False
        some, limit = rows_of(self._last, slice(0, _FEW)), _BLOWN_UP * abs(value)
        self.last_loss = self._loss_after(live, some, n_layers, state)
        # If a few samples did not become far worse, the batch did not either.
        return self.last_loss > limit < self._loss_after(live, self._last, n_layers, state)

    def _loss_after(self, live, batch, n_layers, state):
        value = self.batch_loss.value(live, live.dictionary(), batch, n_layers, state.n_steps)
        if not np.isfinite(value):
            raise diverged(state.n_epochs, self.optimizer)
        return value

    def _validate(self, live, n_layers, n_epochs, n_steps):
        """Mean loss of the samples that are not learned from."""
        if not self._can_encode(live.params):
            return np.inf
        dictionary, total, weights = live.dictionary(), 0.0, 0.0
        batches = (
            [self.held.whole()] if self.batch_size is None else self.held.batches(self.batch_size)
        )
        for batch in batches:
            weight = batch.weight
            if weight > 0:
                value = self.batch_loss.value(live, dictionary, batch.counted(), n_layers, n_steps)
                total, weights = total + weight * value, weights + weight
        if not np.isfinite(total):
            raise diverged(n_epochs, self.optimizer)
        return total / weights

    def _told(self, row, n_epochs, n_steps):
        """Call the callback after a step; return whether training ends here."""
        progress = Progress(n_epochs, n_steps, row["loss"], row["grad_norm"], row["lr"])
        if self.callback is not None and self.callback(progress):
            self.stopped = True
        return self.stopped
