"""A coder as a solver of benchopt; only the files that benchopt loads import this."""

from abc import abstractmethod

from benchopt import BaseSolver
from threadpoolctl import ThreadpoolController


class CoderSolver(BaseSolver):
    """Runs the coder that `make` returns for the problem, with its number of threads."""

    sampling_strategy = "run_once"

    @abstractmethod
    def make(self):
        """The coder with the parameters of this solver."""

    def skip(self, problem, threads):
        reason = self.make().unavailable(problem)
        return reason is not None, reason

    def set_objective(self, problem, threads):
        self.coder, self.threads = self.make(), threads
        self.coder.prepare(problem, threads)
        # Every library is loaded by now, which it must be to be limited.
        self.pool = ThreadpoolController()
        with self.pool.limit(limits=threads):
            self.coder.tune()

    def warm_up(self):
        self.run_once()

    def run(self, _):
        with self.pool.limit(limits=self.threads):
            self.coder.run()

    def get_result(self):
        return {"codes": self.coder.codes}
