"""Homotopy for l1 penalties: the path of all weights, from the largest down to `alpha`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode._interrupts import halt_flag
from sparsecode.penalties import L1
from sparsecode.solvers._kernels.arguments import StopRule
from sparsecode.solvers._kernels.certainty import Claim, Rounding
from sparsecode.solvers._lasso.fallback import finish_failed
from sparsecode.solvers._lasso.plain_form import Lasso, has_free_atoms
from sparsecode.solvers.base import Solver
from sparsecode.solvers.homotopy.path import follow_paths


@dataclass
class Homotopy(Solver):
    """Homotopy (the lasso form of least angle regression) for l1 and elastic-net penalties.

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)``. The solution is a piecewise linear
    function of the weight: 0 down to the largest correlation, then along straight lines, with one
    atom that joins or leaves the support at each corner. A step goes to the next corner with the
    Cholesky factor of the Gram block of the support, updated, and costs ``O(k n_components +
    k^2)``. There are hardly more steps than nonzeros `k`, though contrived problems take
    ``O(3^n_components)``.

    A sample ends before `alpha` at a corner where its duality gap is small already. The gap of
    every code is verified; samples for which rounding or atoms that depend on each other led off
    the path, and problems with an l1 weight of 0, are solved by `CoordinateDescent`. Codes given to
    start from are returned if they reach `tol`; otherwise they serve that solver only.

    Parameters
    ----------
    max_iter : int, default=5000
        Most corners of the path for a sample.
    tol : float or None, default=None
        A sample stops at this relative duality gap; see `Certificate`. None is 1e-6 for codes
        in float64, 5e-5 in float32. 0 runs down to `alpha`.

    References
    ----------
    M. Osborne, B. Presnell and B. Turlach, "A new approach to variable selection in least squares
    problems", 2000.
    B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, "Least angle regression", 2004.
    D. Malioutov, M. Çetin and A. Willsky, "Homotopy continuation for sparse signal
    representation", 2005.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import Homotopy
    >>> Homotopy().solve([[2.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5)).codes
    array([[1.5, 0. ]])
    """

    max_iter: int = 5000
    tol: float | None = None

    needs: ClassVar[str] = "l1"
    finite: ClassVar[bool] = True
    _by_parts: ClassVar[bool] = True

    def _prepare(self, problem):
        """The problem as a lasso, and its penalty; None for free atoms."""
        if has_free_atoms(problem.penalty):
            return None
        lasso = Lasso.of(problem, np.float64)
        # Before blocks need it at the same time.
        _ = lasso.gram
        n_components = problem.dictionary.n_components
        return lasso, L1(lasso.alpha, None, lasso.positive).prepare(n_components, np.float64)

    def _solve_block(self, problem, prepared, block):
        if prepared is not None:
            lasso, penalty = prepared
            X = problem.centred(block.rows, np.float64)
            codes = lasso.from_codes(block.codes)
            dtype = problem.dictionary.dtype
            follow_paths(
                lasso.task(X),
                penalty,
                StopRule(True, 1.0, self._threshold(dtype), self.max_iter),
                # Of the codes returned.
                Claim(self.tol, Rounding.of(lasso.dictionary, dtype)),
                problem.codes is not None,
                block.answer._replace(codes=codes),
                halt_flag(),
            )
            block.codes[:] = lasso.to_codes(codes)
        finish_failed(problem, block, self.tol, self.max_iter)
