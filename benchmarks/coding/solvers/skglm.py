"""skglm: working sets with Anderson acceleration."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import SkglmLasso


class Solver(CoderSolver):
    """``skglm.Lasso`` or ``skglm.ElasticNet``."""

    name = "skglm"
    requirements = ["pip::skglm"]  # noqa: RUF012
    parameters = {"gap": [1e-4, 1e-6]}  # noqa: RUF012

    def make(self):
        return SkglmLasso(self.gap)
