"""Exact inference as an encoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from sparsecode._typing import Codes, MatrixLike
from sparsecode.encoders.base import Encoder
from sparsecode.penalties import L1, Penalty
from sparsecode.solvers import Solver, choose_solver
from sparsecode.solvers._batch.result import SolveResult
from sparsecode.solvers.base import check_solver_instance

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


@dataclass
class Exact(Encoder):
    """Exact codes: a solver, and the penalty of the objective that it minimises.

    Parameters
    ----------
    penalty : Penalty, default=L1()
        Penalty with its weight `alpha`.
    solver : Solver or None, default=None
        Solver; None takes the one that `choose_solver` returns for the penalty.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Exact
    >>> from sparsecode.penalties import L1
    >>> Exact(L1(0.5)).encode([[2.0, 0.1]], Dictionary([[1.0, 0.0], [0.0, 1.0]]))
    array([[1.5, 0. ]])
    """

    penalty: Penalty = field(default_factory=L1)
    solver: Solver | None = None

    def encode(
        self,
        X: MatrixLike,
        dictionary: Dictionary | ArrayLike,
        *,
        codes: MatrixLike | None = None,
        missing: bool = False,
        sparse_output: bool = False,
        n_jobs: int | None = None,
    ) -> Codes:
        return self.solve(
            X,
            dictionary,
            codes=codes,
            missing=missing,
            sparse_output=sparse_output,
            n_jobs=n_jobs,
        ).codes

    def solve(self, X: MatrixLike, dictionary: Dictionary, **options: Any) -> SolveResult:
        """Compute codes like `encode`, and return the whole `SolveResult` of the solver.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        dictionary : Dictionary
        **options
            Those of `sparsecode.solvers.Solver.solve`.

        Returns
        -------
        result : SolveResult
        """
        # A solver checks the penalty itself.
        solver = self.solver
        solver = choose_solver(self.penalty) if solver is None else check_solver_instance(solver)
        return solver.solve(X, dictionary, self.penalty, **options)
