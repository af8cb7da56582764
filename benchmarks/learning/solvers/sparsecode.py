"""Online learning of sparsecode."""

from benchmark_utils.adapter import LearnerSolver
from benchmark_utils.learners import Ours


class Solver(LearnerSolver):
    """`DictionaryLearning` with `BlockUpdate`."""

    name = "sparsecode"
    parameters = {  # noqa: RUF012
        **LearnerSolver.parameters,
        "forgetting": [None, 1.0],
        "dtype": ["float32", "float64"],
    }

    def make(self):
        return Ours(self.forgetting, self.dtype)
