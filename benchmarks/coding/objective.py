"""Exact codes on learned dictionaries, judged outside the solvers, in float64."""

from benchopt import BaseObjective
from scipy import sparse


class Objective(BaseObjective):
    """The worst certified relative duality gap; for greedy workloads the mean squared error."""

    name = "Sparse coding"
    min_benchopt_version = "1.10"
    sampling_strategy = "run_once"
    parameters = {"threads": [1]}  # noqa: RUF012
    test_dataset_name = "photographs"
    test_config = {"dataset": {"workload": "A", "quick": True}}  # noqa: RUF012

    def set_data(self, problem):
        self.problem = problem

    def get_objective(self):
        return {"problem": self.problem, "threads": self.threads}

    def evaluate_result(self, codes):
        return self.problem.judge(codes)

    def get_one_result(self):
        shape = (len(self.problem.X), self.problem.dictionary.n_components)
        return {"codes": sparse.csr_matrix(shape)}
