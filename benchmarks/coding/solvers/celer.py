"""celer: working sets with dual extrapolation."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import CelerLasso


class Solver(CoderSolver):
    """``celer.Lasso`` or ``celer.ElasticNet``."""

    name = "celer"
    requirements = ["pip::celer"]  # noqa: RUF012
    parameters = {"gap": [1e-4, 1e-6]}  # noqa: RUF012

    def make(self):
        return CelerLasso(self.gap)
