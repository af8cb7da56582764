"""Sources of batches: samples in an array or a file, or a stream of batches."""

from __future__ import annotations

import itertools
import numbers
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_sample_weight

from sparsecode._batches import Batch, Samples, hold_out
from sparsecode._collections import PARTS, in_chunks, is_collection
from sparsecode._messages import wrong
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_fraction, check_number, check_rows

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.training.trainer import Trainer

# Seeds of epochs are numbered from 0; this number is not an epoch.
_SPLIT = 2**32 - 1


def is_stream(X: MatrixLike) -> bool:
    """Whether `X` is an iterator of batches."""
    return hasattr(X, "__next__")


# Weights of samples are added up.
_HEAVIEST = 1e100
# Newer versions of scikit-learn refuse weights that are all 0 unless they are told.
_ZEROS = "allow_all_zero_weights"
_ANY_ZEROS = {_ZEROS: True} if _ZEROS in signature(_check_sample_weight).parameters else {}


@dataclass
class ArraySource:
    """Batches of samples that can be read again, in an order drawn for each epoch."""

    samples: Samples
    batch_size: int | None
    shuffle: bool
    steps_per_epoch: int | None

    def epoch(self, seed: int, number: int) -> Any:
        """Batches of one epoch, the same at every call."""
        if self.batch_size is None:
            return itertools.repeat(self.samples.whole(), self.steps_per_epoch or 1)
        # Drawn from the number of the epoch, so that a resumed run needs no generator's state.
        rng = np.random.default_rng((seed, number)) if self.shuffle else None
        return itertools.islice(self.samples.batches(self.batch_size, rng), self.steps_per_epoch)

    def check_used(self) -> None:
        """Do nothing, because an epoch of samples always has batches."""


@dataclass
class StreamSource:
    """Batches of an iterator, read once and in the given order."""

    batches: object
    steps_per_epoch: int | None
    n_features: int
    started: bool = False

    def epoch(self, seed: int, number: int) -> Any:
        """Return the next `steps_per_epoch` batches, or all of them if this is None."""
        return itertools.islice(self._weighty(), self.steps_per_epoch)

    def _weighty(self):
        """Batches to learn from; batches of weight 0 are skipped."""
        for item in self.batches:
            self.started = True
            batch = self._batch(item)
            if batch.sample_weight is None or np.any(batch.sample_weight):
                yield batch

    def check_used(self) -> None:
        """Raise ValueError if no batch ever came."""
        if not self.started:
            raise ValueError(
                "X is an iterator that gave no batch; expected at least one. Pass a new iterator: "
                "it can be read only once."
            )

    def _batch(self, item):
        if isinstance(item, tuple) and not isinstance(item, Batch):
            X, target = item
            item = Batch(X, target=target)
        elif not isinstance(item, Batch):
            item = Batch(item)
        X = check_rows(item.X, "X", n_columns=self.n_features)
        # A batch of weight 0 is skipped.
        weight = check_weights(item.sample_weight, X, allow_all_zero=True)
        return Batch(X, weight, check_targets(item.target, X.shape[0]))


class Gatherer:
    """Builder of `Samples` from checked arrays; an encoder as target computes the targets.

    Parameters
    ----------
    dictionary : Dictionary
        Dictionary at the start of training.
    trainer : Trainer
    """

    def __init__(self, dictionary: Dictionary, trainer: Trainer) -> None:
        self.dictionary = dictionary
        self.batch_size: int | None = trainer.batch_size
        self.teacher: Any = None if trainer.learn_dictionary else trainer.batch_loss.teacher
        self.n_features: int = getattr(trainer.encoder, "n_inputs", dictionary.n_features)

    def __call__(
        self,
        X: MatrixLike,
        target: np.ndarray | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        suffix: str = "",
    ) -> Any:
        if is_collection(X):
            return self._in_chunks(X, target, sample_weight, suffix)
        X = check_rows(X, f"X{suffix}", n_columns=self.n_features, halves=True)
        sample_weight = check_weights(sample_weight, X, f"sample_weight{suffix}")
        if self.teacher is not None:
            target = self.teacher.encode(X, self.dictionary, sparse_output=True)
        target = check_targets(target, X.shape[0], f"target{suffix}")
        return Samples(X, sample_weight, target, run=self.batch_size)

    def _in_chunks(self, X, target, sample_weight, suffix):
        """Samples of a Dask collection; their targets are computed where they are."""
        check_batch_size(self.batch_size)
        X = in_chunks("_samples.known_rows", X, f"X{suffix}")
        sample_weight = check_weights(sample_weight, X, f"sample_weight{suffix}")
        if self.teacher is not None:
            target = in_chunks("streaming.encoded", self.teacher, X, self.dictionary)
        checks = {"n_columns": self.n_features, "suffix": suffix}
        X, target = in_chunks("streaming.checked_pair", X, target, **checks)
        return samples_to_train(Batch(X, sample_weight, target), self.batch_size)


def samples_to_train(batch: Batch, batch_size: int | None) -> Any:
    """Samples of a checked batch, to be drawn in steps of `batch_size`."""
    if is_collection(batch.X):
        check_batch_size(batch_size)
        if PARTS.get() is not None:
            return in_chunks("samples.ChunkedSamples", *batch, run=batch_size)
        return in_chunks("streaming.StreamedSamples", *batch)
    return Samples(*batch, run=batch_size)


def check_batch_size(batch_size: int | None) -> None:
    """Raise ValueError if a step takes all samples of a Dask array, which may not fit in memory."""
    if batch_size is None:
        raise ValueError(
            wrong(
                "batch_size",
                got="None with a Dask array",
                expected="a number of samples, as a step on all of them needs all in memory",
                remedy="Set batch_size, for example to 4096.",
            )
        )


def check_weights(
    sample_weight: ArrayLike | None,
    X: MatrixLike,
    name: str = "sample_weight",
    *,
    allow_all_zero: bool = False,
) -> np.ndarray | None:
    """Return the weights of the samples in float64, or None."""
    if sample_weight is None:
        return None
    is_scalar = isinstance(sample_weight, (numbers.Number, str))
    if is_scalar or getattr(sample_weight, "ndim", None) == 0:
        # One for all, which must still be a number.
        sample_weight = check_number(sample_weight, name, low=0, high=_HEAVIEST)
    elif is_collection(sample_weight):
        sample_weight = in_chunks("_samples.weights_in_memory", sample_weight, X, name)
    try:
        weights = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True, **_ANY_ZEROS
        )
        if not allow_all_zero and not weights.any():
            raise ValueError("All weights are 0.")
        return weights
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{name} does not have one weight >= 0 for each of {X.shape[0]} samples: {error} Give "
            "one weight for each sample, not all of them 0."
        ) from error


def check_targets(
    target: np.ndarray | None, n_samples: int, name: str = "target"
) -> np.ndarray | None:
    """Return `target`, an array or CSR matrix with a row for each sample, or None."""
    if target is None:
        return None
    target = check_rows(target, name)
    if target.shape[0] != n_samples:
        raise ValueError(
            f"{name} has {target.shape[0]} rows but there are {n_samples} samples; expected a row "
            "for each. Give targets of exactly these samples."
        )
    return target


def draw_held_out(samples: Any, fraction: float, seed: int) -> Any:
    """Split samples into training and validation samples, the same for the same seed."""
    fraction = check_fraction(fraction, "validation_fraction")
    rng = np.random.default_rng((seed, _SPLIT))
    return hold_out(samples, fraction, rng, most=samples.most_held)
