"""Coordinate descent: sweeps over a working set, and jumps where sweeps are slow."""

from sparsecode.solvers.coordinate_descent.solver import CoordinateDescent

__all__ = ["CoordinateDescent"]
