"""What an autoencoder pays besides its error of reconstruction."""

from sparsecode.losses.terms.active import ActiveUnits, InactiveMargin, TargetActiveUnits
from sparsecode.losses.terms.base import Term
from sparsecode.losses.terms.gate import GateReconstruction, GateSparsity
from sparsecode.losses.terms.penalty import PenaltyTerm
from sparsecode.losses.terms.target_l0 import TargetL0

__all__ = [
    "ActiveUnits",
    "GateReconstruction",
    "GateSparsity",
    "InactiveMargin",
    "PenaltyTerm",
    "TargetActiveUnits",
    "TargetL0",
    "Term",
]
