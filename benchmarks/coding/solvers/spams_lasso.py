"""SPAMS: homotopy."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import SpamsLasso


class Solver(CoderSolver):
    """``spams.lasso``."""

    name = "spams-lasso"
    requirements = ["pip::spams-bin"]  # noqa: RUF012
    parameters = {"dtype": ["float64", "float32"], "gram": [True]}  # noqa: RUF012

    def make(self):
        return SpamsLasso(self.dtype, self.gram)
