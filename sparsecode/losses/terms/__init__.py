"""Terms of the loss of an autoencoder, added to the reconstruction error."""

from sparsecode.losses.terms.active import ActiveUnits, InactiveMargin, TargetActiveUnits
from sparsecode.losses.terms.aux_k import AuxK
from sparsecode.losses.terms.base import Term
from sparsecode.losses.terms.contractive import Contractive
from sparsecode.losses.terms.gate import GateReconstruction, GateSparsity
from sparsecode.losses.terms.kl import KLDivergence
from sparsecode.losses.terms.lp import Lp
from sparsecode.losses.terms.multi_topk import MultiTopK
from sparsecode.losses.terms.norm_weighted import NormWeighted
from sparsecode.losses.terms.penalty import PenaltyTerm
from sparsecode.losses.terms.selectivity import Hoyer, LifetimeSparsity, PopulationSparsity
from sparsecode.losses.terms.target_l0 import TargetL0
from sparsecode.losses.terms.weight_decay import WeightDecay

__all__ = [
    "ActiveUnits",
    "AuxK",
    "Contractive",
    "GateReconstruction",
    "GateSparsity",
    "Hoyer",
    "InactiveMargin",
    "KLDivergence",
    "LifetimeSparsity",
    "Lp",
    "MultiTopK",
    "NormWeighted",
    "PenaltyTerm",
    "PopulationSparsity",
    "TargetActiveUnits",
    "TargetL0",
    "Term",
    "WeightDecay",
]
