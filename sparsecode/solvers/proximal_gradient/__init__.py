"""Proximal gradient descent, plain and accelerated."""

from sparsecode.solvers.proximal_gradient.fista import FISTA
from sparsecode.solvers.proximal_gradient.ista import ISTA

__all__ = ["FISTA", "ISTA"]
