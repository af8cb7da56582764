"""Loss of transcoders, which predict targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode.losses.autoencoder import AutoencoderLoss


@dataclass
class TranscoderLoss(AutoencoderLoss):
    """Transcoder loss: mean of ``1/2 ||y - offset - z @ atoms - skip||^2``, plus terms.

    Parameters
    ----------
    terms : sequence of Term or Penalty, default=()
        Terms to add. A penalty stands for its `PenaltyTerm`.
    skip : bool, default=False
        Whether the encoder has a signal ``"skip"``, the part of the prediction without codes.
        Otherwise this part is 0.
    """

    skip: bool = False

    uses_target: ClassVar[bool] = True

    @property
    def needs(self) -> tuple[str, ...]:
        return (*super().needs, "skip") if self.skip else super().needs
