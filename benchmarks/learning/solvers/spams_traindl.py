"""SPAMS: online learning."""

from benchmark_utils.adapter import LearnerSolver
from benchmark_utils.learners import TrainDL


class Solver(LearnerSolver):
    """``spams.trainDL``."""

    name = "spams-traindl"
    requirements = ["pip::spams-bin"]  # noqa: RUF012
    parameters = {**LearnerSolver.parameters, "dtype": ["float32", "float64"]}  # noqa: RUF012

    def make(self):
        return TrainDL(self.dtype)
