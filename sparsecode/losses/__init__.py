"""What a trainable encoder is trained to make small, with hand-written gradients.

Every loss is a mean over samples, weighted where they have weights. All have one signature.
"""

from sparsecode.losses.autoencoder import AutoencoderLoss
from sparsecode.losses.base import Loss, LossContext, LossResult
from sparsecode.losses.lasso import LassoLoss
from sparsecode.losses.supervised import SupervisedLoss
from sparsecode.losses.terms import (
    AuxK,
    Contractive,
    Hoyer,
    KLDivergence,
    LifetimeSparsity,
    Lp,
    NormWeighted,
    PenaltyTerm,
    PopulationSparsity,
    Term,
)

__all__ = [
    "AutoencoderLoss",
    "AuxK",
    "Contractive",
    "Hoyer",
    "KLDivergence",
    "LassoLoss",
    "LifetimeSparsity",
    "Loss",
    "LossContext",
    "LossResult",
    "Lp",
    "NormWeighted",
    "PenaltyTerm",
    "PopulationSparsity",
    "SupervisedLoss",
    "Term",
]
