"""Greedy solvers: orthogonal matching pursuit and orthogonal least squares."""

from sparsecode.solvers.greedy.ols import OLS
from sparsecode.solvers.greedy.omp import OMP

__all__ = ["OLS", "OMP"]
