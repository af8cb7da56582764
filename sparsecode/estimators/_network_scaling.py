"""Scaling of samples and atoms that a network for given atoms is trained on."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from sparsecode._row_blocks import compress, dense_rows, is_on_disk, stack_csr
from sparsecode.constraints import Free
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._scalable_encoder import (
    ScalableEncoder,
    params_in_units,
    reads_atoms_in_units,
)
from sparsecode.estimators._input_scaling import input_scale, rescale_penalty
from sparsecode.losses import LassoLoss, SupervisedLoss
from sparsecode.penalties import L1

_BLOCK = 4096
# Entries of the history that are not losses or terms of losses.
_NO_LOSSES = ("grad_norm", "lr", "n_layers", "seconds")


@dataclass(frozen=True)
class NetworkScaling:
    """Scaling for training, which makes the mean squared norms of samples and given atoms 1.

    Codes and objective are scaled accordingly, so that training does not depend on the units of the
    samples.

    Parameters
    ----------
    samples, atoms : float, default=1.0
        Factors of samples and of atoms.
    learns_atoms : bool, default=False
        Whether atoms are learned. Otherwise the given atoms are used.
    """

    samples: float = 1.0
    atoms: float = 1.0
    learns_atoms: bool = False

    @property
    def inputs(self) -> float:
        """The `input_scale` of training."""
        return self.samples

    @property
    def codes(self) -> Any:
        """Factor of the codes."""
        return self.samples / self.atoms

    def network(self, encoder, dictionary):
        """Return the network without parameters, and its dictionary, in the units of training."""
        network, penalty = copy.copy(encoder), getattr(encoder, "penalty", None)
        if penalty is not None:
            network.penalty = rescale_penalty(penalty, self.samples * self.atoms)
        network.params, offset = None, dictionary.offset
        if self.samples == self.atoms == 1:
            return network, dictionary
        if offset is not None:
            offset = (offset * np.float64(self.samples)).astype(dictionary.dtype)
        if self.atoms == 1:
            return network, dictionary.replace(offset=offset)
        atoms = (dictionary.atoms * np.float64(self.atoms)).astype(dictionary.dtype)
        # The atoms are not learned, and need no constraint.
        return network, Dictionary(atoms, offset, Free())

    def to_training(self, encoder, dictionary):
        """Convert network and dictionary to the units of training."""
        network, dictionary = self.network(encoder, dictionary)
        return network.bind(params_in_units(encoder, self.samples, self.atoms)), dictionary

    def from_training(self, encoder, dictionary, given):
        """Convert network and dictionary from the units of training to those of the samples.

        `given` is the dictionary to return unless atoms are learned.
        """
        params = params_in_units(encoder, 1 / self.samples, 1 / self.atoms)
        if not self.learns_atoms:
            dictionary = given
        elif dictionary.offset is not None and self.samples != 1:
            offset = dictionary.offset / np.float64(self.samples)
            dictionary = dictionary.replace(offset=offset.astype(dictionary.dtype))
        return encoder.bind(params), dictionary

    def loss(self, loss):
        """Return the loss in the units of training."""
        if type(loss) is not LassoLoss:
            return loss
        return LassoLoss(rescale_penalty(loss.penalty, self.samples * self.atoms))

    def history(self, history, loss):
        """Return the history with losses in the units of the samples."""
        scale = self.codes if loss.uses_target else self.samples
        return {
            name: values if name in _NO_LOSSES else [value / scale**2 for value in values]
            for name, values in history.items()
        }


def network_scaling(encoder, loss, dictionary, batch, *, learn_dictionary):
    """Return the scaling for training on samples; factors are 1 if the network cannot be scaled."""
    if not _scales(encoder, loss):
        return NetworkScaling(learns_atoms=learn_dictionary)
    scale = input_scale(batch.X, dictionary.offset, batch.sample_weight)
    atoms = 1.0
    if reads_atoms_in_units(encoder) and not learn_dictionary:
        atoms = _atom_scale(dictionary)
    # For samples of norm 1, thresholds and gains are learned as fast as weights.
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
    # Atoms of norm 1 do not change, to the last digit.
    return 1.0 if mean == 0 or abs(mean - 1) < 1e-5 else mean**-0.5


def scaled_codes(codes, factor):
    """Return codes times a number; a memory map becomes a CSR array."""
    factor = codes.dtype.type(factor)
    if not is_on_disk(codes):
        return codes * factor
    starts = range(0, len(codes), _BLOCK)
    blocks = [compress(dense_rows(codes, slice(i, i + _BLOCK), codes.dtype)) for i in starts]
    return stack_csr(blocks, codes.shape[1]) * factor
