"""A learner as a solver of benchopt; only the files that benchopt loads import this."""

from abc import abstractmethod

from benchopt import BaseSolver
from threadpoolctl import ThreadpoolController


class LearnerSolver(BaseSolver):
    """Runs the learner that `make` returns for a number of seconds."""

    sampling_strategy = "run_once"
    parameters = {"seconds": [1, 3, 10]}  # noqa: RUF012

    @abstractmethod
    def make(self):
        """The learner with the parameters of this solver."""

    def skip(self, problem, threads):
        reason = self.make().unavailable()
        return reason is not None, reason

    def set_objective(self, problem, threads):
        self.learner, self.threads = self.make(), threads
        self.learner.prepare(problem, threads)
        # Every library is loaded by now, which it must be to be limited.
        self.pool = ThreadpoolController()

    def warm_up(self):
        with self.pool.limit(limits=self.threads):
            self.learner.warm_up()

    def run(self, _):
        with self.pool.limit(limits=self.threads):
            self.trace = self.learner.run(self.seconds)

    def get_result(self):
        return {"atoms": self.trace.atoms[-1], "seconds": self.trace.seconds[-1]}
