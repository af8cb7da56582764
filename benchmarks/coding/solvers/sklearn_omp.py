"""scikit-learn: OMP on the Gram matrix."""

from benchmark_utils.adapter import CoderSolver
from benchmark_utils.coders import OMPGram


class Solver(CoderSolver):
    """``orthogonal_mp_gram``."""

    name = "sklearn-omp"
    requirements = ["pip::scikit-learn"]  # noqa: RUF012

    def make(self):
        return OMPGram()
