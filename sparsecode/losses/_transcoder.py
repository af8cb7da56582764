"""Loss of transcoders, whose output is not their input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode.losses.autoencoder import AutoencoderLoss


@dataclass
class TranscoderLoss(AutoencoderLoss):
    """Mean of ``1/2 ||y - offset - z @ atoms - skip||^2`` plus terms; ``y`` are the targets.

    Parameters
    ----------
    terms : sequence of Term or Penalty, default=()
        A penalty stands for `PenaltyTerm` of it.
    skip : bool, default=False
        Whether the encoder has a signal ``"skip"``, what is predicted without codes. Without it
        that part is 0.
    """

    skip: bool = False

    uses_target: ClassVar[bool] = True

    @property
    def needs(self):
        return (*super().needs, "skip") if self.skip else super().needs
