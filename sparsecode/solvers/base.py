"""Base class of the solvers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from sparsecode._blas import single_threaded_blas
from sparsecode._interrupts import halt_if_told
from sparsecode._kernel_cache import is_foreign
from sparsecode._messages import shown
from sparsecode._parallel import map_held_row_blocks, rows_of_codes, threads_of
from sparsecode._parameters import Parameterized
from sparsecode._row_blocks import compress, stack_csr
from sparsecode._typing import MatrixLike
from sparsecode._validation import (
    check_code_rows,
    check_flag,
    check_integer,
    check_n_jobs,
    check_number,
    check_rows,
)
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.solvers._batch.atom_subsets import Parts, parts_of
from sparsecode.solvers._batch.problem import Block, Problem
from sparsecode.solvers._batch.rescaling import Rescaled
from sparsecode.solvers._batch.result import SolveResult
from sparsecode.solvers._batch.verification import Verification
from sparsecode.solvers._requirements import check_requirement
from sparsecode.solvers._tolerance import SINGLE_TOL, default_tol

if TYPE_CHECKING:
    from sparsecode.penalties.base import Penalty

# A batch is cut in so many blocks if that leaves so many rows in each, for threads to share.
_BLOCKS, _FEW_ROWS = 4, 256
_EPS = {np.dtype(real): float(np.finfo(real).eps) for real in (np.float32, np.float64)}
# Operations, about .2 seconds of one core.
_LONG = 5e8


class Solver(Parameterized, BaseEstimator):
    """Base of the solvers: hyper-parameters and `solve`; it keeps no state.

    Before codes are returned, they are judged in float64: those that claim more than a certificate
    confirms are solved further, and none is worse than the start or a code of 0.

    A subclass is a dataclass with fields `max_iter` and `tol` (a method that ends of itself may
    do without `max_iter`, and then says its ``_n_records(problem)``) that defines
    ``_solve_block(problem, prepared, block)``, which fills in a `Block`. `tol` is a number there,
    also if it was None. Where it does not take every weighted penalty, it names the kind that it
    `needs`. ``_prepare(problem)`` may compute once what all blocks share.

    Attributes
    ----------
    needs : str
        Kind of penalty that the solver takes: ``"weighted"`` (any but `KSparse`),
        ``"separable"``, ``"convex"``, ``"smooth"``, ``"l1"`` (also elastic net), ``"k_sparse"``, or
        ``"k_sparse count"`` (without an error target).
    finite : bool
        Whether the solver ends of itself at the optimum, so that it may take fewer than `max_iter`
        iterations at ``tol=0``.
    """

    needs: ClassVar[str] = "weighted"
    finite: ClassVar[bool] = False

    # Rows that one thread works on at a time; fewer where there would be too few blocks.
    _block_size: ClassVar[int] = 256
    # Whether it works on the Gram matrix of a few atoms at a time where there are many, rather than
    # with products in place of the whole one; for separable penalties.
    _by_parts: ClassVar[bool] = False
    # The tolerance that None means, for codes in float64.
    _double_tol: ClassVar[float] = 1e-6
    # Whether `tol` bounds what a certificate measures; then what claims too much is solved again.
    _claims_certificate: ClassVar[bool] = True

    def solve(
        self,
        X: MatrixLike,
        dictionary: Dictionary | ArrayLike,
        penalty: Penalty,
        *,
        codes: MatrixLike | None = None,
        missing: bool = False,
        sparse_output: bool = False,
        n_jobs: int | None = None,
        record: bool = False,
    ) -> SolveResult:
        """Compute the sparse code of every row of `X`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Read a block of rows at a time, so a memory map is never loaded whole, nor a sparse
            matrix made dense.
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        penalty : Penalty
            Holds its own weight `alpha`, absolute.
        codes : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
            Where to start; not written to.
        missing : bool, default=False
            Whether NaN in `X` means a missing entry. Each sample is fitted on its other features
            only, as if these columns of the atoms did not exist for it. Costs a Gram matrix for
            each pattern of missing entries; `OMP` and `OLS` only compute the rows they need.
        sparse_output : bool, default=False
            Whether the codes are a CSR array instead of a dense one.
        n_jobs : int or None, default=None
            Threads; None uses all cores. The answer does not depend on it.
        record : bool, default=False
            Whether to keep the history of every iteration.

        Returns
        -------
        result : SolveResult
            float32 only if X and the dictionary both are.

        Raises
        ------
        TypeError
            If the solver cannot handle the penalty.
        ValueError
            If shapes do not fit, or a number is NaN, infinite or out of range.

        Warns
        -----
        ConvergenceWarning
            Once for the batch, if samples stopped at `max_iter` before they reached `tol`. With
            ``tol=0`` exactly `max_iter` iterations are meant, and nothing is said.
        """
        sparse_output = check_flag(sparse_output, "sparse_output")
        record, n_jobs = check_flag(record, "record"), check_n_jobs(n_jobs)
        given = as_dictionary(dictionary)
        problem = self._check_problem(X, given, penalty, codes, missing)
        shape, dtype = problem.shape, problem.dictionary.dtype
        if self.tol is None:
            self = self._with_tol(default_tol(self._double_tol, dtype))
        codes = None if sparse_output else np.zeros(shape, dtype=dtype)
        n_iter, stop = np.zeros(shape[0], dtype=np.int64), np.empty(shape[0])
        stop.fill(np.inf)
        history = np.empty((shape[0], 2, self._n_records(problem) if record else 0))
        proven = np.zeros(shape[0], dtype=bool)
        solve_block = self._solve_observed if missing else self._solve_any

        def solve_and_judge(problem, prepared, block):
            solve_block(problem, prepared, block)
            is_usual = problem is rescaled.problem
            verification = usual if is_usual else Verification(self, problem)
            verification.verify(block)

        def solve_rows(rows):
            size = len(n_iter[rows])
            out = np.zeros((size, shape[1]), dtype=dtype) if sparse_output else codes[rows]
            rescaled.problem.start(rows, out)
            block = Block(rows, out, n_iter[rows], stop[rows], history[rows], proven[rows])
            # What overflows float32 is found afterwards.
            with np.errstate(over="ignore", invalid="ignore"):
                rescaled.solve(solve_and_judge, self._prepare_any, prepared, block)
            return compress(out) if sparse_output else None

        # Threads of BLAS wait for each other: beside other work they take a hundred times as long.
        # The Gram matrix is made on as many threads as the codes.
        with single_threaded_blas(), threads_of(n_jobs):
            rescaled = Rescaled(problem)
            prepared = self._prepare_any(rescaled.problem)
            usual = Verification(self, rescaled.problem)
            parts = map_held_row_blocks(
                solve_rows,
                shape[0],
                block_size=min(self._rows_a_block(shape[0]), rows_of_codes(shape[1])),
                n_jobs=n_jobs,
                is_long=self._may_take_long(problem),
            )
        converged = stop <= self.tol
        if self.tol > 0 and np.count_nonzero(converged) < len(converged):
            n_failed = n_iter[~converged]
            may_go_on = bool((n_failed >= getattr(self, "max_iter", np.inf)).any())
            self._warn(problem, stop[~converged], len(converged), may_go_on)
        return SolveResult(
            stack_csr(parts, shape[1]) if sparse_output else codes,
            n_iter,
            converged,
            self.tol,
            _history_of(history[:, :, : n_iter.max() + 1]) if record else None,
            (problem.X, given, problem.penalty, problem.missing, n_jobs),
        )

    def _prepare_any(self, problem):
        """Prepare the work on all atoms at once or, of many, on a few at a time."""
        parts = parts_of(self, problem) if self._by_parts else None
        return self._prepare(problem) if parts is None else parts

    def _solve_any(self, problem, prepared, block):
        if isinstance(prepared, Parts):
            prepared.solve(problem, block)
        else:
            self._solve_block(problem, prepared, block)

    def _solve_observed(self, problem, prepared, block):
        """Solve a block with missing entries: together the samples that miss the same ones."""
        observed = ~np.isnan(problem.samples(block.rows))
        patterns, group_of = np.unique(observed, axis=0, return_inverse=True)
        for group, seen in enumerate(patterns):
            halt_if_told()
            inside = np.flatnonzero(group_of == group)
            part = Block(slice(0, len(inside)), *(array[inside] for array in block[1:]))
            if seen.any():
                smaller = problem.part(block.rows, inside, seen)
                # What is prepared may hold for all rows of a penalty, but not for some of them.
                is_same = seen.all() and smaller.penalty is problem.penalty
                own_prepared = prepared if is_same else self._prepare_any(smaller)
                self._solve_any(smaller, own_prepared, part)
            else:
                # Nothing to fit: the code of least penalty.
                part.codes[:] = problem.origin
                part.stop[:], part.history[:], part.proven[:] = 0, 0, True
            for whole, solved in zip(block[1:], part[1:], strict=True):
                whole[inside] = solved

    def _with_tol(self, tol):
        """Return the solver with another tolerance."""
        solver = object.__new__(type(self))
        vars(solver).update(vars(self), tol=tol)
        return solver

    def check_penalty(self, penalty: Penalty) -> None:
        """Raise TypeError if the solver cannot handle `penalty`."""
        check_requirement(self, penalty)

    def _rows_a_block(self, n_rows):
        return min(self._block_size, max(_FEW_ROWS, -(-n_rows // _BLOCKS)))

    def _may_take_long(self, problem):
        """Return whether all samples together may cost more than an interrupt can wait for.

        A solver from elsewhere does not look whether it is halted, and so stays where interrupts
        arrive.
        """
        if is_foreign(type(self)._solve_block):
            return False
        n_samples, n_components = problem.shape
        width = min(problem.dictionary.atoms.shape)
        if self.finite:
            # As many iterations as there can be nonzeros; interrupts arrive between blocks.
            return self._rows_a_block(n_samples) * n_components * width * width / 2 > _LONG
        return n_samples * n_components * width * self.max_iter > _LONG

    def _n_records(self, problem):
        """Entries of the history: the start and each iteration."""
        return self.max_iter + 1

    def _prepare(self, problem):
        """Compute the data that blocks share, which are passed on to `_solve_block`."""
        return None

    def _threshold(self, dtype):
        """Return `tol`, less what rounding may hide from the kernel.

        It is a Python number for every dtype: a kernel is compiled for each type of its arguments.
        """
        return float(self.tol - min(32 * _EPS[dtype], self.tol / 2))

    def _check_problem(self, X, dictionary, penalty, codes, missing):
        self._check_parameters()
        self.check_penalty(penalty)
        X = check_rows(X, "X", n_columns=dictionary.n_features, missing=missing)
        if codes is not None:
            codes = check_code_rows(codes, X.shape[0], dictionary.n_components)
        dictionary = penalty.centred(promote(dictionary, X))
        prepared = dictionary._prepared_for(penalty)
        return Problem(X, dictionary, penalty, prepared, codes, bool(missing))

    def _check_parameters(self):
        check_integer(self.max_iter, "max_iter")
        if self.tol is not None:
            check_number(self.tol, "tol", low=0)

    def _warn(self, problem, stop, n_samples, may_go_on):
        by_gap = problem.penalty.convex
        unit = "relative duality gap" if by_gap else "scaled stationarity residual"
        remedy = "Raise max_iter or tol."
        is_fine = by_gap and self.tol < SINGLE_TOL
        if problem.dictionary.dtype == np.float32 and (is_fine or not may_go_on):
            remedy = (
                f"Raise max_iter or tol, or give X in float64. With tol below {SINGLE_TOL:g} or "
                "nearly equal atoms, codes in float32 may be too coarse for any max_iter."
            )
        warnings.warn(
            f"{type(self).__name__}: {len(stop)} of {n_samples} samples did not reach "
            f"tol={self.tol:g} in max_iter={self.max_iter} iterations; the worst {unit} is "
            f"{stop.max():.1e}. {remedy}",
            ConvergenceWarning,
            stacklevel=3,
        )


def check_solver_instance(solver: Solver) -> Solver:
    """Return `solver` if it is an instance of a Solver."""
    if not isinstance(solver, Solver):
        raise TypeError(
            f"solver is {shown(solver)}; expected an instance of a Solver, such as "
            "FISTA(tol=1e-6), or None for the default."
        )
    return solver


def _history_of(records):
    return {"objective": records[:, 0].T.copy(), "stop": records[:, 1].T.copy()}
