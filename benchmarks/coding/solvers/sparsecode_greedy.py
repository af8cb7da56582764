"""The greedy solvers of sparsecode."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import OursGreedy


class Solver(CoderSolver):
    """OMP or OLS."""

    name = "sparsecode-greedy"
    parameters = {"solver": ["OMP", "OLS"], "dtype": ["float32", "float64"]}  # noqa: RUF012

    def make(self):
        return OursGreedy(self.solver, self.dtype)
