"""What an autoencoder pays besides its error of reconstruction."""

from sparsecode.losses.terms.base import Term
from sparsecode.losses.terms.penalty import PenaltyTerm

__all__ = ["PenaltyTerm", "Term"]
