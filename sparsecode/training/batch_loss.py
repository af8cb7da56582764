"""The loss of one batch of samples, and its gradients."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sparsecode._collections import PARTS, in_chunks, is_collection
from sparsecode._factored_gradients import RowGradient, add_gradients
from sparsecode._messages import shown
from sparsecode._row_blocks import dense_rows
from sparsecode._sample_moments import in_training_units
from sparsecode.losses import LossContext
from sparsecode.training.corruption import corrupted
from sparsecode.training.records import diverged

if TYPE_CHECKING:
    from sparsecode._batches import Batch
    from sparsecode.dictionary import Dictionary

# Seed of the noise for samples on which parameters are compared.
_JUDGED = (0, 0, 0)


class Fixed(NamedTuple):
    """Parameters that are not being changed."""

    params: dict[str, Any]


@dataclass
class BatchLoss:
    """Loss of an encoder on batches, with the current parameters."""

    encoder: object
    loss: object
    optimizer: object
    teacher: object
    learn_dictionary: bool
    corrupt: object = None
    input_scale: float | str = 1.0
    _memory: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self._takes_sparse = self.encoder.sparse_codes and self.loss.takes_sparse
        self._signals = self.loss.needs

    @functools.cached_property
    def is_constant(self) -> bool:
        """True if the same parameters have the same loss at every step."""
        return self.loss.is_constant and self.encoder.is_constant

    def value(
        self, live: Any, dictionary: Dictionary, batch: Batch, n_layers: int | None, n_steps: int
    ) -> Any:
        """Loss of a batch that is not learned from."""
        if is_collection(batch.X):
            batch = in_chunks("gradients.in_memory", batch)
        context = LossContext(n_steps, memory=live.memory)
        return self._evaluate(live, dictionary, batch, n_layers, context)[0].value

    def judge(self, state: Any, batch: Batch, *, memory: Any, n_steps: int) -> Any:
        """Training loss of a batch, without any change of state.

        `state` holds the parameters, and `memory` the arrays that the loss keeps.
        """
        context = LossContext(n_steps, memory=memory)
        live = Fixed(state.params)
        return self._evaluate(live, state.dictionary, batch, None, context, _JUDGED)[0].value

    def gradients(
        self,
        live: Any,
        batch: Batch,
        n_layers: int | None,
        n_epochs: int,
        n_steps: int,
        seed: int,
        activity: Any = None,
    ) -> Any:
        """Loss of a batch, its gradients in all learned parameters, and the cache of the encoder.

        Raises FloatingPointError if the loss is NaN or infinite. `activity` counts the codes. In
        `sparsecode.distributed.data_parallel`, tasks compute them in parts, without a cache.
        """
        where, n_parts = (n_layers, n_epochs, n_steps, seed), PARTS.get()
        if n_parts is None:
            return self.of_batch(live, batch, *where, activity)
        self.check_divisible(counts=activity is not None)
        return *in_chunks("gradients.of_parts", self, n_parts, live, batch, *where), None

    def alone(self) -> BatchLoss:
        """Loss without parameters and memory, to travel to workers."""
        encoder = self.encoder.bind(None)
        return replace(self, encoder=encoder, corrupt=None, _memory=None)

    def check_divisible(self, *, counts: bool = False) -> None:
        """Raise TypeError in `data_parallel` if the gradients of parts of a batch have no mean."""
        if PARTS.get() is None:
            return
        reasons = [
            (self.encoder.depends_on_batch, f"codes of {shown(self.encoder)} depend on the batch"),
            (self.encoder.buffers, f"{shown(self.encoder)} keeps statistics of batches"),
            (not self.loss.is_mean, f"{shown(self.loss)} is no mean over samples, or counts them"),
            (self.corrupt is not None, "corrupt draws its noise for a whole batch"),
            (counts, "replacement and dead_window count the codes of a whole batch"),
        ]
        for is_wrong, reason in reasons:
            if is_wrong:
                raise TypeError(
                    f"training in data_parallel but {reason}; expected gradients that are means "
                    "over the samples of a batch. Train outside of data_parallel."
                )

    def of_batch(
        self,
        live: Any,
        batch: Batch,
        n_layers: int | None,
        n_epochs: int,
        n_steps: int,
        seed: int,
        activity: Any = None,
    ) -> Any:
        """What `gradients` returns, computed here from the whole batch."""
        dictionary = live.dictionary()
        context = LossContext(n_steps, memory=live.memory, training=True)
        result, cache = self._evaluate(live, dictionary, batch, n_layers, context, seed, activity)
        if not np.isfinite(result.value):
            raise diverged(n_epochs, self.optimizer)
        # Gradients as large as the parameters: their memory is used again for the next batch.
        grads = self._memory = self.encoder.backward(
            result.dcodes,
            cache,
            with_dictionary=self.learn_dictionary,
            out=self._memory,
            dsignals=result.dsignals,
        )
        # A gradient of one number may come as a scalar, which could not be clipped in place.
        grads = {
            name: grad if isinstance(grad, RowGradient) else np.asarray(grad)
            for name, grad in grads.items()
        }
        for name, grad in result.grads.items():
            grads[name] = add_gradients(grads.get(name), grad)
        return result, grads, cache

    def encode(self, live: Any, dictionary: Dictionary, batch: Batch, n_steps: int) -> Any:
        """Samples of a batch, and their codes as in a step of training, of all layers."""
        X = self._samples(batch, dictionary.dtype)
        return X, self._forward(live.params, X, dictionary, None, n_steps, training=True)[0]

    def _evaluate(self, live, dictionary, batch, n_layers, context, seed=None, activity=None):
        dtype = dictionary.dtype
        X, target = self._samples(batch, dtype), batch.target
        if self.teacher is not None and target is None:
            target = self.teacher.encode(X, dictionary)
        elif target is not None:
            target = dense_rows(target, slice(None), dtype)
        # Without a seed the batch only serves to evaluate the codes.
        training, seen = seed is not None, X
        if self.corrupt is not None and training:
            seen = corrupted(X, self.corrupt, seed)
        codes, cache = self._forward(
            live.params, seen, dictionary, n_layers, context.step, training=training
        )
        if activity is not None:
            activity.see(codes)
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

    def _samples(self, batch, dtype):
        """Samples of a batch in the units of training."""
        return in_training_units(dense_rows(batch.X, slice(None), dtype), self.input_scale)

    def _forward(self, params, X, dictionary, n_layers, n_steps, *, training):
        """Codes of samples, sparse where encoder and loss can be, and the signals of the loss."""
        return self.encoder.at_step(n_steps).forward(
            params,
            X,
            dictionary,
            n_layers=n_layers,
            training=training,
            sparse=self._takes_sparse,
            signals=self._signals,
        )
