"""Scaling of samples and atoms that a network for given atoms is trained on."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from sparsecode._row_blocks import compress, dense_rows, is_on_disk, stack_csr
from sparsecode.constraints import Free
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._scaling import ScalableEncoder, params_in_units, reads_atoms_in_units
from sparsecode.estimators._input_scaling import input_scale, rescale_penalty
from sparsecode.losses import LassoLoss, SupervisedLoss
from sparsecode.penalties import L1

_BLOCK = 4096
# Entries of the history that are no losses; all others are losses, or parts of one.
_NO_LOSSES = ("grad_norm", "lr", "n_layers", "seconds")


@dataclass(frozen=True)
class NetworkScaling:
    """The units of training: samples and given atoms of a mean squared norm of 1.

    Codes and objective are those of the samples, scaled, so that a training is the same in all
    units.

    Parameters
    ----------
    samples, atoms : float, default=1.0
        What samples, and atoms, are multiplied by.
    learns_atoms : bool, default=False
        Whether atoms are learned; those that are given are used as they are.
    """

    samples: float = 1.0
    atoms: float = 1.0
    learns_atoms: bool = False

    @property
    def codes(self):
        """What codes are multiplied by."""
        return self.samples / self.atoms

    def network(self, encoder, dictionary):
        """The network without parameters, and its dictionary, in the units of training."""
        network, own = copy.copy(encoder), getattr(encoder, "penalty", None)
        if own is not None:
            network.penalty = rescale_penalty(own, self.samples * self.atoms)
        network.params, offset = None, dictionary.offset
        if self.samples == self.atoms == 1:
            return network, dictionary
        if offset is not None:
            offset = (offset * np.float64(self.samples)).astype(dictionary.dtype)
        if self.atoms == 1:
            return network, dictionary.replace(offset=offset)
        atoms = (dictionary.atoms * np.float64(self.atoms)).astype(dictionary.dtype)
        # They are not learned, and need not be in any set.
        return network, Dictionary(atoms, offset, Free())

    def to_training(self, encoder, dictionary):
        """Network and dictionary for samples as they are in training."""
        network, dictionary = self.network(encoder, dictionary)
        return network.bind(params_in_units(encoder, self.samples, self.atoms)), dictionary

    def from_training(self, encoder, dictionary, given):
        """Network and dictionary for samples as they are, of those in training.

        `given` is the dictionary that is kept unless atoms are learned.
        """
        params = params_in_units(encoder, 1 / self.samples, 1 / self.atoms)
        if not self.learns_atoms:
            dictionary = given
        elif dictionary.offset is not None and self.samples != 1:
            offset = dictionary.offset / np.float64(self.samples)
            dictionary = dictionary.replace(offset=offset.astype(dictionary.dtype))
        return encoder.bind(params), dictionary

    def loss(self, loss):
        """The loss in the units of training."""
        if type(loss) is not LassoLoss:
            return loss
        return LassoLoss(rescale_penalty(loss.penalty, self.samples * self.atoms))

    def history(self, history, loss):
        """The history with losses in the units of the samples."""
        scale = self.codes if loss.uses_target else self.samples
        return {
            name: values if name in _NO_LOSSES else [value / scale**2 for value in values]
            for name, values in history.items()
        }


def network_scaling(encoder, loss, dictionary, batch, *, learn_dictionary):
    """Units for the training of a network on samples; 1 where it is not known how it scales."""
    if not _scales(encoder, loss):
        return NetworkScaling(learns_atoms=learn_dictionary)
    scale = input_scale(batch.X, dictionary.offset, batch.sample_weight)
    atoms = 1.0
    if reads_atoms_in_units(encoder) and not learn_dictionary:
        atoms = _atom_scale(dictionary)
    # With samples of norm 1 thresholds and gains are learned as quickly as weights.
    return NetworkScaling(scale / batch.X.shape[1] ** 0.5, atoms, learn_dictionary)


def _scales(encoder, loss):
    """Whether encoder and loss are known to scale with samples and codes."""
    known = reads_atoms_in_units(encoder) or (
        isinstance(encoder, ScalableEncoder) and encoder.homogeneous
    )
    if type(loss) is LassoLoss:
        return known and (isinstance(loss.penalty, L1) or loss.penalty.alpha == 0)
    return known and type(loss) is SupervisedLoss


def _atom_scale(dictionary):
    """Factor that makes the mean squared norm of the atoms 1."""
    squares = np.einsum("ij,ij->i", dictionary.atoms, dictionary.atoms, dtype=np.float64)
    mean = float(squares.mean())
    # Atoms of norm 1 stay as they are, to the last digit.
    return 1.0 if mean == 0 or abs(mean - 1) < 1e-5 else mean**-0.5


def scaled_codes(codes, factor):
    """Codes times a number; of a memory map, as a CSR array."""
    factor = codes.dtype.type(factor)
    if not is_on_disk(codes):
        return codes * factor
    starts = range(0, len(codes), _BLOCK)
    blocks = [compress(dense_rows(codes, slice(i, i + _BLOCK), codes.dtype)) for i in starts]
    return stack_csr(blocks, codes.shape[1]) * factor
