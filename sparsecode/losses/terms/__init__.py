"""What an autoencoder pays besides its error of reconstruction."""

from sparsecode.losses.terms.aux_k import AuxK
from sparsecode.losses.terms.base import Term
from sparsecode.losses.terms.contractive import Contractive
from sparsecode.losses.terms.kl import KLDivergence
from sparsecode.losses.terms.lp import Lp
from sparsecode.losses.terms.norm_weighted import NormWeighted
from sparsecode.losses.terms.penalty import PenaltyTerm
from sparsecode.losses.terms.selectivity import Hoyer, LifetimeSparsity, PopulationSparsity

__all__ = [
    "AuxK",
    "Contractive",
    "Hoyer",
    "KLDivergence",
    "LifetimeSparsity",
    "Lp",
    "NormWeighted",
    "PenaltyTerm",
    "PopulationSparsity",
    "Term",
]
