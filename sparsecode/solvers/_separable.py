"""What the solvers that go coefficient by coefficient share."""

from __future__ import annotations

from sparsecode.solvers.base import Solver, incompatible


class SeparableSolver(Solver):
    """Base of the solvers that take every separable penalty, and no other."""

    def check_penalty(self, penalty):
        super().check_penalty(penalty)
        if not penalty.separable:
            raise incompatible(self, "a separable penalty", penalty, "Use FISTA or ISTA.")
