"""Homotopy: the path of l1 solutions over all weights."""

from sparsecode.solvers.homotopy.solver import Homotopy

__all__ = ["Homotopy"]
