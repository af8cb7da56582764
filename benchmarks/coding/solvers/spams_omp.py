"""SPAMS: OLS."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import SpamsOMP


class Solver(CoderSolver):
    """``spams.omp``, which is OLS."""

    name = "spams-omp"
    requirements = ["pip::spams-bin"]  # noqa: RUF012
    parameters = {"dtype": ["float64", "float32"]}  # noqa: RUF012

    def make(self):
        return SpamsOMP(self.dtype)
