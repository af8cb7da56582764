"""Losses of trainable encoders, with their gradients.

Every loss is a mean over samples, weighted where they have weights. All have one signature.
"""

from sparsecode.losses.autoencoder import AutoencoderLoss
from sparsecode.losses.base import Loss, LossContext, LossResult
from sparsecode.losses.lasso import LassoLoss
from sparsecode.losses.supervised import SupervisedLoss
from sparsecode.losses.terms import (
    ActiveUnits,
    AuxK,
    Contractive,
    GateReconstruction,
    GateSparsity,
    Hoyer,
    InactiveMargin,
    KLDivergence,
    LifetimeSparsity,
    Lp,
    MultiTopK,
    NormWeighted,
    PenaltyTerm,
    PopulationSparsity,
    TargetActiveUnits,
    TargetL0,
    Term,
    WeightDecay,
)

__all__ = [
    "ActiveUnits",
    "AutoencoderLoss",
    "AuxK",
    "Contractive",
    "GateReconstruction",
    "GateSparsity",
    "Hoyer",
    "InactiveMargin",
    "KLDivergence",
    "LassoLoss",
    "LifetimeSparsity",
    "Loss",
    "LossContext",
    "LossResult",
    "Lp",
    "MultiTopK",
    "NormWeighted",
    "PenaltyTerm",
    "PopulationSparsity",
    "SupervisedLoss",
    "TargetActiveUnits",
    "TargetL0",
    "Term",
    "WeightDecay",
]
