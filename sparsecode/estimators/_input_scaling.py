"""Scaling of samples for the training of an autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsecode._batches import Batch
from sparsecode._row_blocks import dense_rows
from sparsecode._sample_moments import LAYER_NORM, check_normalizable, layer_normed
from sparsecode._validation import common_dtype
from sparsecode.encoders._scalable_encoder import ScalableEncoder
from sparsecode.penalties import L0, L1

_BLOCK = 4096
# Number of samples for the spread of codes, and limit of codes for memory.
_FEWEST, _MOST_CODES = 256, 2**24
# Largest number of entries of normalised samples that a first model is made from.
_MOST_ENTRIES = 2**25


@dataclass(frozen=True)
class InputScaling:
    """Scaling for training: samples are multiplied by a number, and codes scale with them.

    Losses and their weights refer to scaled samples.

    Parameters
    ----------
    samples : float, default=1.0
        Factor of the samples.
    layer_norm : bool, default=False
        Whether each sample is normalised by its own mean and deviation instead. Encoder, dictionary
        and penalty are then those of normalised samples.
    """

    samples: float = 1.0
    layer_norm: bool = False

    # Factor of codes that are given as targets.
    codes = 1.0

    @property
    def inputs(self) -> float | str:
        """The `input_scale` of training."""
        return LAYER_NORM if self.layer_norm else self.samples

    def to_training(self, encoder, dictionary):
        """Convert encoder and dictionary to the units of training."""
        return _rescaled(encoder, dictionary, self.samples)

    def from_training(self, encoder, dictionary, given):
        """Convert encoder and dictionary from the units of training to those of the samples."""
        return _rescaled(encoder, dictionary, 1 / self.samples)

    def loss(self, loss):
        """Return the loss in the units of training."""
        return loss

    def history(self, history, loss):
        """Return the history, which stays in the units of training."""
        return history


def _rescaled(encoder, dictionary, factor):
    """Return encoder and dictionary for samples and codes of another scale."""
    if factor == 1:
        return encoder, dictionary
    return encoder.scale_samples(dictionary, factor)


def input_scale(X, offset, sample_weight=None):
    """Return the factor that makes the mean squared norm of centred samples `n_features`."""
    weights = np.ones(X.shape[0]) if sample_weight is None else np.asarray(sample_weight)
    total = 0.0
    for start in range(0, X.shape[0], _BLOCK):
        rows = slice(start, start + _BLOCK)
        x, weight, _ = Batch(dense_rows(X, rows, np.float64), weights[rows]).counted()
        centred = x if offset is None else x - offset
        total += float(weight @ np.einsum("ij,ij->i", centred, centred))
    if not 0 <= total < np.inf or 0 < total < np.finfo(np.float64).tiny:
        raise ValueError(
            f"X has squared norms that sum to {total}; expected samples whose squares neither "
            "overflow nor vanish. Scale X first, or leave scale_inputs False."
        )
    # Equal samples have no scale.
    return float(np.sqrt(X.shape[1] * weights.sum() / total)) if total > 0 else 1.0


def normalized_start(batch):
    """Return a batch of normalised samples to make a first model from; of many some, evenly spaced.

    Raises
    ------
    ValueError
        If samples have a single feature.
    """
    X, weight, _ = batch
    check_normalizable(X.shape[1])
    used = np.arange(X.shape[0]) if weight is None else np.flatnonzero(weight)
    most = max(_FEWEST, _MOST_ENTRIES // X.shape[1])
    if len(used) > most:
        used = used[np.linspace(0, len(used) - 1, most).astype(np.intp)]
    x = layer_normed(dense_rows(X, used, common_dtype(X)))
    return Batch(x, None if weight is None else weight[used])


def first_samples(X, factor, dictionary, sample_weight=None):
    """Return the first samples of positive weight times a number, for the spread of codes."""
    n = max(_FEWEST, min(_BLOCK, _MOST_CODES // dictionary.n_components))
    rows = slice(0, min(X.shape[0], n))
    if sample_weight is not None:
        rows = np.flatnonzero(sample_weight)[:n]
    return dense_rows(X, rows, dictionary.dtype) * dictionary.dtype.type(factor)


def scales(encoder, penalty):
    """Whether codes and objective scale with the samples."""
    return (
        isinstance(encoder, ScalableEncoder)
        and encoder.homogeneous
        and (isinstance(penalty, L0 | L1) or penalty.alpha == 0)
    )


def check_scales(encoder, penalty):
    """Raise TypeError if a model of scaled samples cannot be converted to unscaled ones."""
    if not (isinstance(encoder, ScalableEncoder) and encoder.homogeneous):
        raise TypeError(
            f"scale_inputs is True but the codes of {type(encoder).__name__} do not scale with "
            "the samples; expected False or 'layer_norm'. Scale the samples before fit, and call "
            "fold() with that scale."
        )
    if not scales(encoder, penalty):
        raise TypeError(
            f"scale_inputs is True but {type(penalty).__name__} does not scale with the codes; "
            "expected L1 or L0. Set scale_inputs=False, and scale the samples before fit."
        )


def rescale_penalty(penalty, factor):
    """Return the penalty for samples and codes times `factor`: objectives scale by its square."""
    if factor == 1:
        return penalty
    return penalty.scaled(factor if isinstance(penalty, L1) else factor**2)
