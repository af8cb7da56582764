"""Online learning, judged by exact codes of patches of another photograph."""

from benchopt import BaseObjective


class Objective(BaseObjective):
    """Mean held-out objective in float64, and the seconds of learning alone."""

    name = "Online dictionary learning"
    min_benchopt_version = "1.10"
    sampling_strategy = "run_once"
    parameters = {"threads": [2]}  # noqa: RUF012
    test_dataset_name = "photographs"
    test_config = {"dataset": {"workload": "A", "quick": True}}  # noqa: RUF012

    def set_data(self, problem):
        self.problem = problem

    def get_objective(self):
        return {"problem": self.problem, "threads": self.threads}

    def evaluate_result(self, atoms, seconds):
        return {**self.problem.judge(atoms, self.threads), "seconds": seconds}

    def get_one_result(self):
        return {"atoms": self.problem.start, "seconds": 0.0}
