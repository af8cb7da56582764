"""Active-set search over supports and signs: the fastest exact solver for l1 penalties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparsecode._interrupts import halt_flag, halt_if_told
from sparsecode.solvers._batch.problem import Block
from sparsecode.solvers._kernels.arguments import Answer, StopRule
from sparsecode.solvers._lasso.fallback import failed_samples, finish_failed
from sparsecode.solvers._lasso.plain_form import Lasso, has_free_atoms
from sparsecode.solvers._tolerance import SINGLE_TOL
from sparsecode.solvers.base import Solver
from sparsecode.solvers.feature_sign.refinement import Exact
from sparsecode.solvers.feature_sign.search import Lanes, search_rows


@dataclass
class FeatureSign(Solver):
    """Feature-sign search: an active-set method for l1 and elastic-net penalties.

    Solves ``min_z 1/2 ||x - offset - z @ atoms||^2 + g(z)``. Keeps the support and signs of a code
    and the inverse of its Gram block; adds several violating atoms at once, solves on the support,
    walks to the first sign change if there is one, and ends when the duality gap over all atoms is
    small. The number of iterations is about half the number of nonzeros `k`; one costs ``O(k
    n_components + k^2)``.

    The search is made in float32. Unless the data are float32 and `tol` is at least 2e-5, the
    coefficients are then refined in float64, and so is every correlation that float32 cannot tell
    from `alpha`; what violates optimality after all enters, and the search goes on. Codes that are
    rounded to float32 are then judged as they are, in float64. An atom that depends on the active
    ones enters in exchange for one of them. Samples where that ends early, which are rare, are
    searched on with inner products in float64, and at last solved by `CoordinateDescent`, as are
    problems with an l1 weight of 0.

    Parameters
    ----------
    max_iter : int, default=1000
        Most iterations a sample may take.
    tol : float or None, default=None
        A sample stops at this relative duality gap; see `Certificate`. None is 1e-6 for codes
        in float64, 5e-5 in float32. 0 runs until no atom violates optimality.

    References
    ----------
    H. Lee, A. Battle, R. Raina and A. Ng, "Efficient sparse coding algorithms", 2006.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import FeatureSign
    >>> FeatureSign().solve([[2.0, 0.1]], [[1.0, 0.0], [0.0, 1.0]], L1(0.5)).codes
    array([[1.5, 0. ]])
    """

    max_iter: int = 1000
    tol: float | None = None

    needs: ClassVar[str] = "l1"
    finite: ClassVar[bool] = True
    _by_parts: ClassVar[bool] = True
    _block_size: ClassVar[int] = 1024

    def _prepare(self, problem):
        """The problem as a lasso in float32 and in float64."""
        return problem.dictionary._kept("_lassos", problem.penalty, lambda: _forms_of(problem))

    def _solve_block(self, problem, forms, block):
        if forms is not None:
            self._search(problem, forms, block)
            if block.is_proven:
                return
            # What was not searched looks as if it had failed.
            halt_if_told()
            failed = failed_samples(block, self.tol, self.max_iter)
            if failed.size:
                self._search_carefully(problem, forms, failed, block)
        finish_failed(problem, block, self.tol, self.max_iter)

    def _search_carefully(self, problem, forms, inside, block):
        """Go on with some samples of a block, with inner products in float64, by the same kernel.

        One for a Gram matrix in float64 would be faster, but take seconds to compile.
        """
        part = Block(block.rows, *(array[inside] for array in block[1:]))
        self._search(problem, forms, part, inside)
        for whole, solved in zip(block[1:], part[1:], strict=True):
            whole[inside] = solved

    def _search(self, problem, forms, block, inside=None):
        """Search in float32; made exact where float32 alone cannot reach the tolerance.

        With `inside`, with care and from their codes, the samples of the rows that have these
        indices.
        """
        single, double = forms
        is_careful = inside is not None
        dtype = problem.dictionary.dtype
        is_single = dtype == np.float32
        enough = is_single and self.tol >= SINGLE_TOL
        has_offset = problem.dictionary.offset is not None
        # Not where samples less an offset, or codes times weights, are rounded once more.
        rounds = is_single and not has_offset and single.weights is None
        refines = is_careful or not enough
        # Where the codes of an exact search are then rounded to float32, that costs some of it.
        is_rounded_after = refines and not rounds
        tol = self._threshold(dtype) if is_rounded_after else float(self.tol)
        X = problem.centred(block.rows, np.float32 if enough or rounds else np.float64)
        X = X[inside] if is_careful else X
        # For a search that stays as it is, no samples: only how long atoms are.
        if rounds or refines:
            samples, atoms, ridge = _as_read_only(X), double.atoms, double.ridge
        else:
            samples, atoms, ridge = _NO_SAMPLES[X.dtype], _NO_SAMPLES[_DOUBLE], 0.0
        largest = double.dictionary._largest_norm if refines else single.largest_norm
        if has_offset:
            X = problem.centred(block.rows, np.float32)
            X = X[inside] if is_careful else X
        X = X.astype(np.float32, copy=False)
        codes = single.from_codes(block.codes)
        search_rows(
            single.task(X),
            Exact(samples, atoms, ridge, largest, refines, rounds, is_careful),
            StopRule(True, 1.0, tol, self.max_iter),
            is_careful or problem.codes is not None,
            Answer(codes, *block[2:]),
            Lanes.of(codes.shape[1]),
            single.rank,
            halt_flag(),
        )
        if codes is not block.codes:
            block.codes[:] = single.to_codes(codes)
        if is_single and is_rounded_after:
            # Not of the codes as they are rounded now.
            block.proven[:] = False


def _forms_of(problem):
    """The problem as a lasso in float32 and in float64; None if it is no lasso."""
    if has_free_atoms(problem.penalty):
        return None
    single = Lasso.of(problem, np.float32)
    # Before blocks need it at the same time.
    _ = single.gram
    return single, Lasso.of(problem, np.float64)


def _as_read_only(array):
    """A view of an array for kernels, which are compiled anew for one that may be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
_NO_SAMPLES = {dtype: _as_read_only(np.empty((0, 0), dtype)) for dtype in (_SINGLE, _DOUBLE)}
