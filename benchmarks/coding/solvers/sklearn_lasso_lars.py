"""scikit-learn: homotopy by sparse_encode."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import LassoLars


class Solver(CoderSolver):
    """``sparse_encode(algorithm="lasso_lars")``."""

    name = "sklearn-lasso-lars"
    requirements = ["pip::scikit-learn"]  # noqa: RUF012

    def make(self):
        return LassoLars()
