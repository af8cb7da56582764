"""scikit-learn: coordinate descent by sparse_encode."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import LassoCD


class Solver(CoderSolver):
    """``sparse_encode(algorithm="lasso_cd")``."""

    name = "sklearn-lasso-cd"
    requirements = ["pip::scikit-learn"]  # noqa: RUF012
    parameters = {"gap": [1e-4, 1e-6]}  # noqa: RUF012

    def make(self):
        return LassoCD(self.gap)
