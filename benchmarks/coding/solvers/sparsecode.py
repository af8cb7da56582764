"""The solvers of sparsecode for convex penalties."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import Ours


class Solver(CoderSolver):
    """A solver of `sparsecode.solvers`, by name."""

    name = "sparsecode"
    parameters = {  # noqa: RUF012
        "solver": ["FeatureSign"],
        "dtype, tol": [("float32", 1e-4), ("float32", 1e-6), ("float64", 1e-6)],
    }

    def make(self):
        return Ours(self.solver, self.dtype, self.tol)
