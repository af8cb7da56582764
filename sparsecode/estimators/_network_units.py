"""Units of training of a network for given atoms: samples and atoms of a common size."""

from __future__ import annotations

import copy

import numpy as np

from sparsecode._row_blocks import compress, dense_rows, is_on_disk, stack_csr
from sparsecode.constraints import Free
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._scaling import ScalableEncoder, params_in_units, reads_atoms_in_units
from sparsecode.estimators._units import input_scale, rescale_penalty
from sparsecode.losses import LassoLoss, SupervisedLoss
from sparsecode.penalties import L1

_BLOCK = 4096
# What of the history is a loss, or a part of one, is all but these.
_NO_LOSSES = ("grad_norm", "lr", "n_layers", "seconds")


class NetworkUnits:
    """Part of a `TrainedCoder` that trains on samples times `input_scale_`.

    Samples have a mean squared norm of 1 then, and atoms that are not learned have too. Codes and
    objective are those of the samples, scaled, so that a training is the same in all units.
    """

    input_scale_ = 1.0
    _atom_scale = 1.0

    def _start_in_units(self, encoder, dictionary, penalty, rng, batch):
        """Choose the units by the samples, and start."""
        self.input_scale_ = self._atom_scale = 1.0
        if self._scales(encoder, penalty):
            scale = input_scale(batch.X, dictionary.offset, batch.sample_weight)
            # With samples of norm 1 thresholds and gains are learned as quickly as weights.
            self.input_scale_ = scale / batch.X.shape[1] ** 0.5
            if reads_atoms_in_units(encoder) and not self.learn_dictionary:
                self._atom_scale = _atom_scale(dictionary)
            if encoder.params is None:
                network, scaled = self._in_units(encoder, dictionary)
                params = network.init(scaled, random_state=rng)
                encoder, _ = self._to_use(encoder.bind(params), dictionary)
        self._start(encoder, dictionary, penalty, rng)

    def _scales(self, encoder, penalty):
        """Whether encoder and loss are known to scale with samples and codes."""
        known = reads_atoms_in_units(encoder) or (
            isinstance(encoder, ScalableEncoder) and encoder.homogeneous
        )
        loss = self._resolved_loss(penalty)
        if type(loss) is LassoLoss:
            return known and (isinstance(loss.penalty, L1) or loss.penalty.alpha == 0)
        return known and type(loss) is SupervisedLoss

    @property
    def _code_scale(self):
        """What codes are multiplied by in training."""
        return self.input_scale_ / self._atom_scale

    @property
    def _input_scale(self):
        return self.input_scale_

    def _in_units(self, encoder, dictionary):
        """The network without parameters, and its dictionary, in units of training."""
        network, own = copy.copy(encoder), getattr(encoder, "penalty", None)
        if own is not None:
            network.penalty = rescale_penalty(own, self.input_scale_ * self._atom_scale)
        network.params, offset = None, dictionary.offset
        if self.input_scale_ == self._atom_scale == 1:
            return network, dictionary
        if offset is not None:
            offset = (offset * np.float64(self.input_scale_)).astype(dictionary.dtype)
        if self._atom_scale == 1:
            return network, dictionary.replace(offset=offset)
        atoms = (dictionary.atoms * np.float64(self._atom_scale)).astype(dictionary.dtype)
        # They are not learned, and need not be in any set.
        return network, Dictionary(atoms, offset, Free())

    def _to_train(self):
        network, dictionary = self._in_units(self.encoder_, self.dictionary_)
        params = params_in_units(self.encoder_, self.input_scale_, self._atom_scale)
        return network.bind(params), dictionary

    def _to_use(self, encoder, dictionary):
        params = params_in_units(encoder, 1 / self.input_scale_, 1 / self._atom_scale)
        if not self.learn_dictionary:
            dictionary = getattr(self, "dictionary_", dictionary)
        elif dictionary.offset is not None and self.input_scale_ != 1:
            offset = dictionary.offset / np.float64(self.input_scale_)
            dictionary = dictionary.replace(offset=offset.astype(dictionary.dtype))
        return encoder.bind(params), dictionary

    def _training_loss(self):
        loss = self._resolved_loss(self.penalty_)
        if type(loss) is not LassoLoss:
            return loss
        return LassoLoss(rescale_penalty(loss.penalty, self.input_scale_ * self._atom_scale))

    def _with_targets(self, batch):
        batch = super()._with_targets(batch)
        if batch.target is None or self._code_scale == 1:
            return batch
        return batch._replace(target=_multiplied(batch.target, self._code_scale))

    def _keep(self, state, params, dictionary):
        super()._keep(state, params, dictionary)
        scale = self._code_scale if self._training_loss().uses_target else self.input_scale_
        self.history_ = {
            name: values if name in _NO_LOSSES else [value / scale**2 for value in values]
            for name, values in self.history_.items()
        }


def _atom_scale(dictionary):
    """Factor that makes the mean squared norm of the atoms 1."""
    squares = np.einsum("ij,ij->i", dictionary.atoms, dictionary.atoms, dtype=np.float64)
    mean = float(squares.mean())
    # Atoms of norm 1 stay as they are, to the last digit.
    return 1.0 if mean == 0 or abs(mean - 1) < 1e-5 else mean**-0.5


def _multiplied(codes, factor):
    """Codes times a number; of a memory map, as a CSR array."""
    factor = codes.dtype.type(factor)
    if not is_on_disk(codes):
        return codes * factor
    starts = range(0, len(codes), _BLOCK)
    blocks = [compress(dense_rows(codes, slice(i, i + _BLOCK), codes.dtype)) for i in starts]
    return stack_csr(blocks, codes.shape[1]) * factor
