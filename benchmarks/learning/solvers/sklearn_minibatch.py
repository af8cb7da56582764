"""scikit-learn: online learning."""

from benchmark_utils.adapter import LearnerSolver
from benchmark_utils.learners import MiniBatch


class Solver(LearnerSolver):
    """``MiniBatchDictionaryLearning``."""

    name = "sklearn-minibatch"
    parameters = {  # noqa: RUF012
        **LearnerSolver.parameters,
        "fit_algorithm, batch_size": [("cd", 64), ("cd", 256), ("cd", 1024), ("lars", 256)],
    }

    def make(self):
        return MiniBatch(self.fit_algorithm, self.batch_size)
