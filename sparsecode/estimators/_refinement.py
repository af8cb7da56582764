"""The decoder fitted anew to the codes of an encoder that stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode._row_blocks import dense_rows
from sparsecode._validation import check_integer
from sparsecode.constraints import Free, check_constraint
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import TrainableEncoder
from sparsecode.losses import AutoencoderLoss
from sparsecode.training import train

_BLOCK = 4096


def retrained(
    X,
    encoder,
    dictionary,
    *,
    constraint,
    input_scale,
    optimizer,
    batch_size,
    n_epochs,
    sample_weight,
    random_state,
):
    """Train atoms and offset for the codes as they are; yields encoder and dictionary when better.

    Encoder and dictionary are those for samples times `input_scale`.
    """
    constraint = check_constraint(Free() if constraint is None else constraint)
    n_epochs = check_integer(n_epochs, "n_epochs")
    lowest = _error(X, encoder, dictionary, input_scale, sample_weight)
    states = train(
        _Frozen(encoder, dictionary),
        Dictionary(dictionary.atoms, dictionary.offset, constraint),
        X,
        sample_weight=sample_weight,
        X_val=X,
        sample_weight_val=sample_weight,
        loss=AutoencoderLoss(),
        optimizer=optimizer,
        batch_size=batch_size,
        n_epochs=n_epochs,
        input_scale=input_scale,
        learn_dictionary=True,
        random_state=random_state,
    )
    for state in states:
        if state.best_loss < lowest:
            lowest, found = state.best_loss, state.best_dictionary
            same = encoder.untie(dictionary)
            if found.offset is not None:
                same = same.move_offset(dictionary, found.offset)
            yield same, found


def scaled(X, encoder, dictionary, sample_weight=None):
    """Encoder and dictionary with atoms times the positive numbers of least error."""
    n_components = dictionary.n_components
    moments, gains = np.zeros((n_components, n_components)), np.zeros(n_components)
    for x, codes, weights in _blocks(X, encoder, dictionary, sample_weight):
        codes = codes.astype(np.float64)
        weighted = codes.multiply(weights[:, None]).tocsr()
        moments += (codes.T @ weighted).toarray()
        gains += np.einsum("ij,ij->i", weighted.T @ x, dictionary.atoms)
    moments *= dictionary.gram
    factors = _positive_least_squares(moments, gains)
    atoms = dictionary.atoms * factors.astype(dictionary.dtype)[:, None]
    return encoder.untie(dictionary), Dictionary(atoms, dictionary.offset, Free())


def _positive_least_squares(moments, gains):
    """Positive `f` that makes ``1/2 f @ moments @ f - gains @ f`` less than ones do.

    Those that would not be positive stay 1, as those of units that are never active.
    """
    factors, free = np.ones(len(gains)), np.diag(moments) > 0
    while free.any():
        # From ones, so that what the samples do not determine stays.
        slope = gains[free] - moments[free].sum(axis=1)
        ones = moments[np.ix_(free, free)]
        found = 1 + np.linalg.lstsq(ones, slope, rcond=None)[0]
        if (found > 0).all():
            factors[free] = found
            return factors
        free[np.flatnonzero(free)[found <= 0]] = False
    return factors


def _error(X, encoder, dictionary, input_scale, sample_weight):
    """Mean of half the squared error of reconstruction."""
    total = n_samples = 0.0
    for x, codes, weights in _blocks(X, encoder, dictionary, sample_weight, input_scale):
        residual = x - codes @ dictionary.atoms
        total += float(np.einsum("ij,ij,i->", residual, residual, weights, dtype=np.float64))
        n_samples += float(weights.sum())
    return total / (2 * n_samples)


def _blocks(X, encoder, dictionary, sample_weight, input_scale=1.0):
    """Centred samples, their codes as CSR and their weights, a block at a time."""
    for start in range(0, X.shape[0], _BLOCK):
        rows = slice(start, min(start + _BLOCK, X.shape[0]))
        x = dense_rows(X, rows, dictionary.dtype)
        if input_scale != 1:
            x = x * dictionary.dtype.type(input_scale)
        codes = encoder.encode(x, dictionary, sparse_output=True)
        weights = np.ones(len(x)) if sample_weight is None else sample_weight[rows]
        yield dictionary.center(x), codes, weights


@dataclass(eq=False)
class _Frozen(TrainableEncoder):
    """An encoder without parameters to train, which reads a dictionary of its own."""

    encoder: TrainableEncoder
    dictionary: Dictionary

    sparse_codes: ClassVar[bool] = True

    def init(self, dictionary, *, random_state=None):
        return {}

    def forward(self, params, X, dictionary, *, n_layers=None, sparse=False):
        return self.encoder.encode(X, self.dictionary, sparse_output=sparse), None

    def backward(self, dcodes, cache, *, with_dictionary=False, out=None):
        return {}
