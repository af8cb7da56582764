"""What the solvers of `KSparse` share."""

from __future__ import annotations

import numpy as np

from sparsecode.penalties import KSparse
from sparsecode.penalties.base import check_penalty_instance
from sparsecode.solvers.base import Solver, incompatible

# Share of an atom's squared norm below which what others leave of it is rounding.
DEPENDENT = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


class KSparseSolver(Solver):
    """Base of the solvers that take the constraint `KSparse`, and nothing else."""

    def check_penalty(self, penalty):
        if not isinstance(check_penalty_instance(penalty), KSparse):
            raise incompatible(self, "the constraint KSparse", penalty, "Use FISTA or ISTA.")

    def _targets(self, problem):
        """Most nonzeros and error of each sample."""
        return problem.penalty.targets(problem.X.shape[0], problem.dictionary.n_components)
