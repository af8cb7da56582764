"""A solver of your own, in plain numpy: proximal gradient descent for any penalty.

>>> from sparsecode.penalties import L1
>>> from sparsecode.testing import check_solver
>>> check_solver(ProximalGradient(), penalties=[L1(alpha=0.2)])
>>> from sparsecode import SparseCoder
>>> SparseCoder([[1.0, 0.0], [0.0, 1.0]], alpha=0.5, solver=ProximalGradient()).fit_transform(
...     [[2.0, 0.1]]
... )
array([[1.5, 0. ]])
"""

from dataclasses import dataclass

import numpy as np

from sparsecode import certify
from sparsecode.solvers.base import Solver, gap_certifies


@dataclass
class ProximalGradient(Solver):
    """Gradient step on the squared error, then the prox of the penalty."""

    max_iter: int = 10000
    tol: float = 1e-6

    def _solve_block(self, problem, prepared, rows, record):
        X, dictionary, penalty = problem.X[rows], problem.dictionary, problem.penalty
        codes = problem.start(rows)
        n_iter = np.zeros(len(X), dtype=np.int64)
        going = np.ones(len(X), dtype=bool)
        measure = "relative_gap" if gap_certifies(problem) else "relative_residual"
        objectives, measures = [], []
        for t in range(self.max_iter + 1):
            certificate = certify(X, codes, dictionary, penalty, n_jobs=1)
            n_iter[going] = t
            stop = getattr(certificate, measure)
            if record:
                objectives.append(certificate.objective)
                measures.append(stop)
            if self.tol > 0:
                going &= stop > self.tol
            if t == self.max_iter or not going.any():
                break
            step = 1 / dictionary.lipschitz
            move = dictionary.residual(X[going], codes[going]) @ dictionary.atoms.T * step
            codes[going] = penalty.prox(codes[going] + move.astype(codes.dtype), step)
        history = {"objective": self._padded(objectives), "stop": self._padded(measures)}
        return codes, n_iter, stop, history

    def _padded(self, entries):
        """One row an iteration up to `max_iter`, the last one repeated; none without a record."""
        return np.array(entries + entries[-1:] * (self.max_iter + 1 - len(entries)))
