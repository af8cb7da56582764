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
from sparsecode.solvers.base import Solver


@dataclass
class ProximalGradient(Solver):
    """Gradient step on the squared error, then the prox of the penalty."""

    max_iter: int = 10000
    tol: float = 1e-6

    def _solve_block(self, problem, prepared, block):
        X, dictionary, penalty = problem.samples(block.rows), problem.dictionary, problem.penalty
        codes, step = block.codes, 1 / dictionary.lipschitz
        going = np.ones(len(X), dtype=bool)
        measure = "relative_gap" if problem.by_gap else "relative_residual"
        for t in range(self.max_iter + 1):
            certificate = certify(X, codes, dictionary, penalty, n_jobs=1)
            block.n_iter[going] = t
            block.stop[:] = getattr(certificate, measure)
            block.history[:, 0, t:] = certificate.objective[:, None]
            block.history[:, 1, t:] = block.stop[:, None]
            if self.tol > 0:
                going &= block.stop > self.tol
            if t == self.max_iter or not going.any():
                break
            move = dictionary.residual(X[going], codes[going]) @ dictionary.atoms.T * step
            codes[going] = penalty.prox(codes[going] + move.astype(codes.dtype), step)
