"""What every solver is: hyper-parameters plus `solve`; and the value that it returns."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from sparsecode._parallel import map_row_blocks
from sparsecode._validation import check_codes, check_integer, check_matrix, check_number
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.objective import Certificate, certify
from sparsecode.penalties import Penalty
from sparsecode.penalties.base import check_penalty_instance


@dataclass
class SolveResult:
    """Codes of a batch, how they were reached, and on request how good they are.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_components)
    n_iter : ndarray of int of shape (n_samples,)
        Iterations spent on each sample.
    converged : ndarray of bool of shape (n_samples,)
        Whether the sample reached `tol` within `max_iter`.
    history : dict of str to ndarray of shape (n_records, n_samples), or None
        With ``record=True``: ``"objective"`` and ``"stop"`` (the quantity that `tol` bounds) at
        the start and after each iteration; a sample that stopped keeps its last entry.
    """

    codes: np.ndarray
    n_iter: np.ndarray
    converged: np.ndarray
    history: dict | None = None
    _problem: tuple = field(default=(), repr=False)

    @cached_property
    def certificate(self) -> Certificate:
        """Certificate of the codes, computed in float64 when first asked for."""
        X, dictionary, penalty, n_jobs = self._problem
        return certify(X, self.codes, dictionary, penalty, n_jobs=n_jobs)


@dataclass
class Problem:
    """A validated batch, in one dtype, in the form the kernels want."""

    X: np.ndarray
    dictionary: Dictionary
    penalty: Penalty
    prepared: Penalty
    codes: np.ndarray | None

    def correlations(self, rows):
        """Inner products of a block of centred samples with the atoms, and half its energies."""
        X = self.dictionary.center(self.X[rows])
        energy = np.einsum("ij,ij->i", X, X, dtype=np.float64) / 2
        return X @ self.dictionary.atoms.T, energy

    def start(self):
        """A writable copy of the codes to start from; zeros where none were given."""
        if self.codes is None:
            shape = (len(self.X), self.dictionary.n_components)
            return np.zeros(shape, dtype=self.dictionary.dtype)
        return self.codes.astype(self.dictionary.dtype)


class Block(NamedTuple):
    """A block of rows of the answer, for a solver to fill in.

    `codes` holds where to start. `history`, of shape (n_samples, 2, n_records), takes objective
    and stopping quantity of each iteration; it has no records unless they are wanted.
    """

    rows: slice
    codes: np.ndarray
    n_iter: np.ndarray
    stop: np.ndarray
    history: np.ndarray


class Solver(BaseEstimator):
    """Base of the solvers: hyper-parameters and `solve`; it keeps no state.

    A subclass is a dataclass with fields `max_iter` and `tol` (a method that ends of itself may
    do without `max_iter`, and then says its ``_n_records(problem)``) that defines
    ``_solve_block(problem, prepared, block)``, which fills in a `Block`, and, where it does not
    take every penalty, ``check_penalty``. What all blocks share it may compute once in
    ``_prepare(problem)``.
    """

    # Rows that one thread works on at a time.
    _block_size = 256
    # Whether it ends of itself at the optimum, so that it may take fewer than `max_iter` at tol=0.
    finite = False

    def solve(self, X, dictionary, penalty, *, codes=None, n_jobs=None, record=False):
        """Code every row of `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        penalty : Penalty
            Holds its own weight `alpha`, absolute.
        codes : array-like of shape (n_samples, n_components) or None, default=None
            Where to start; not written to.
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
        problem = self._check_problem(X, dictionary, penalty, codes)
        prepared = self._prepare(problem)
        codes, n_samples = problem.start(), len(problem.X)
        n_iter, stop = np.zeros(n_samples, dtype=np.int64), np.full(n_samples, np.inf)
        history = np.empty((n_samples, 2, self._n_records(problem) if record else 0))

        def solve_rows(rows):
            block = Block(rows, codes[rows], n_iter[rows], stop[rows], history[rows])
            self._solve_block(problem, prepared, block)

        map_row_blocks(solve_rows, n_samples, block_size=self._block_size, n_jobs=n_jobs)
        converged = stop <= self.tol
        if self.tol > 0 and not converged.all():
            self._warn(problem, stop[~converged], len(converged))
        return SolveResult(
            codes,
            n_iter,
            converged,
            _history_of(history[:, :, : n_iter.max() + 1]) if record else None,
            (problem.X, problem.dictionary, problem.penalty, n_jobs),
        )

    def check_penalty(self, penalty):
        """Raise TypeError if the solver cannot handle `penalty`."""
        if not check_penalty_instance(penalty).weighted:
            raise incompatible(self, "a weighted penalty", penalty, "Use OMP, OLS, IHT or HTP.")

    def _n_records(self, problem):
        """Entries of the history: the start and each iteration."""
        return self.max_iter + 1

    def _prepare(self, problem):
        """What the blocks share; passed on to `_solve_block`."""
        return None

    def _threshold(self, dtype):
        """What a sample must reach: `tol`, less what rounding may hide from the kernel."""
        return self.tol - min(8 * np.finfo(dtype).eps, self.tol / 2)

    def _check_parameters(self):
        check_integer(self.max_iter, "max_iter")
        check_number(self.tol, "tol", low=0)

    def _check_problem(self, X, dictionary, penalty, codes):
        self._check_parameters()
        self.check_penalty(penalty)
        dictionary = as_dictionary(dictionary)
        X = check_matrix(X, "X", n_columns=dictionary.n_features)
        if codes is not None:
            codes = check_codes(codes, len(X), dictionary.n_components)
        X, dictionary = promote(X, dictionary)
        prepared = penalty.prepare(dictionary.n_components, dictionary.dtype)
        return Problem(X, dictionary, penalty, prepared, codes)

    def _warn(self, problem, stop, n_samples):
        by_gap = gap_certifies(problem)
        unit = "relative duality gap" if by_gap else "scaled stationarity residual"
        warnings.warn(
            f"{type(self).__name__}: {len(stop)} of {n_samples} samples did not reach "
            f"tol={self.tol:g} in max_iter={self.max_iter} iterations; the worst {unit} is "
            f"{stop.max():.1e}. Raise max_iter or tol.",
            ConvergenceWarning,
            stacklevel=3,
        )


def gap_certifies(problem):
    """Whether a duality gap from the residual alone can judge this problem's codes.

    Free atoms need a projection that `certify` makes but an iteration cannot afford.
    """
    penalty = problem.penalty
    return penalty.convex and not penalty.unpenalized(problem.dictionary.n_components).any()


def check_solver_instance(solver):
    """Return `solver` if it is an instance of a Solver."""
    if not isinstance(solver, Solver):
        raise TypeError(
            f"solver is {solver!r}; expected an instance of a Solver, such as FISTA(tol=1e-6), or "
            "None for the default."
        )
    return solver


def incompatible(solver, needs, penalty, remedy):
    """The error for a solver that cannot handle a penalty: names both and the way out."""
    return TypeError(
        f"{type(solver).__name__} needs {needs}; {type(penalty).__name__} is not. {remedy}"
    )


def _history_of(records):
    return {"objective": records[:, 0].T.copy(), "stop": records[:, 1].T.copy()}
