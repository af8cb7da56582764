"""scikit-learn: coordinate descent on the Gram matrix."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import LassoOnGram


class Solver(CoderSolver):
    """``Lasso`` or ``ElasticNet`` with ``precompute=gram``."""

    name = "sklearn-lasso"
    requirements = ["pip::scikit-learn"]  # noqa: RUF012
    parameters = {"gap": [1e-4, 1e-6]}  # noqa: RUF012

    def make(self):
        return LassoOnGram(self.gap)
