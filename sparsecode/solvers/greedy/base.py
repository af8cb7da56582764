"""The base of greedy solvers: one atom a step, and a projection on the atoms chosen so far."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._interrupts import halt_flag, halt_if_told
from sparsecode._parallel import scratch
from sparsecode._validation import check_number
from sparsecode.solvers.base import Solver
from sparsecode.solvers.greedy.gram_schmidt import (
    Answer,
    Choice,
    Partial,
    Samples,
    Targets,
    Workspace,
    choose_rows,
)
from sparsecode.solvers.greedy.residual_choice import choose_by_residual
from sparsecode.solvers.greedy.unit_atoms import UnitAtoms, inverse_norms

# Atoms that a sample is taken to choose at most, where it costs a column of the Gram matrix each.
_COLUMNS_A_SAMPLE = 32


class Greedy(Solver):
    """Base of the solvers that choose one atom a step; a subclass has one field, `tol`."""

    needs: ClassVar[str] = "k_sparse"
    finite: ClassVar[bool] = True
    # An error target is what they claim, and judge.
    _claims_certificate: ClassVar[bool] = False
    _block_size: ClassVar[int] = 512
    # Whether the atom is chosen that reduces the error most, rather than the best correlated one.
    _by_reduction: ClassVar[bool]

    def _check_parameters(self):
        check_number(self.tol, "tol", low=0, high=1)

    def _n_records(self, problem):
        return _most_atoms(problem.penalty.targets(*problem.shape)[0], problem.dictionary) + 1

    def _prepare(self, problem):
        prepared = _Prepared(problem)
        # Before blocks need it at the same time.
        _ = prepared.single
        return prepared

    def _solve_block(self, problem, prepared, block):
        self._solve(problem, prepared, block, problem.centred, None)

    def _solve_observed(self, problem, prepared, block):
        observed = ~np.isnan(problem.samples(block.rows))

        def centred(rows, dtype=None):
            return np.where(observed, problem.centred(rows, dtype), 0)

        self._solve(problem, prepared, block, centred, observed)

    def _solve(self, problem, prepared, block, centred, observed):
        """Choose by the Gram matrix, in float64 where float32 is too coarse, or by residuals."""
        counts, errors = (targets[block.rows] for targets in prepared.targets)
        n_observed = problem.dictionary.n_features
        if observed is not None:
            n_observed = observed.sum(axis=1)
        limits = np.minimum(counts, np.minimum(n_observed, problem.dictionary.n_components))
        batch = _Batch(centred(block.rows), observed, counts, limits, errors, *block[1:5])
        # Each projection lowers the error; but a start of more atoms than a target takes has less.
        block.proven[:] = (errors > 0) | (problem.codes is None)
        exact = batch.X
        if problem.dictionary.offset is not None and exact.dtype != np.float64:
            exact = centred(block.rows, np.float64)
        left = np.flatnonzero(
            self._choose(*prepared.single, batch, exact, problem.codes is not None)
        )
        for choose in (self._choose_again, self._choose_by_residual):
            if len(left) == 0:
                break
            if problem.codes is not None:
                block.codes[left] = problem.start_of(block.rows)[left]
            part = batch.take(left, centred(block.rows, np.float64))
            recheck = choose(problem, prepared, part)
            batch.put(left, part)
            left = left[recheck]

    def _choose(self, dictionary, unit, batch, exact, may_start):
        """Choose by the Gram matrix; returns which samples need a recheck."""
        X, partial = batch.X, None
        if unit.columns is not None:
            observed = np.ones(X.shape, dtype=bool) if batch.observed is None else batch.observed
            partial = Partial(observed, unit.atoms, unit.columns)
            unit = unit if batch.observed is None else unit.observed(observed)
        corr = dictionary._correlate(X, scratch((len(X), len(unit.atoms)), X.dtype))
        corr *= unit.scale
        recheck = np.zeros(len(X), dtype=bool)
        choose_rows(
            Samples(exact, corr),
            unit,
            partial,
            Targets(batch.counts, batch.limits, batch.errors),
            Choice(float(self.tol), self._by_reduction, may_start),
            Answer(batch.codes, batch.n_iter, batch.stop, batch.history, recheck),
            Workspace.of(corr.shape[1], batch.limits.max(), corr.dtype),
            halt_flag(),
        )
        return recheck

    def _choose_again(self, problem, prepared, batch):
        """Choose by the Gram matrix in float64, if that has not been done.

        Few samples miss entries, each with a Gram matrix of its own: not worth another kernel.
        """
        if problem.dictionary.dtype == np.float64 or batch.observed is not None:
            return np.ones(len(batch.X), dtype=bool)
        return self._choose(*prepared.double, batch, batch.X, problem.codes is not None)

    def _choose_by_residual(self, problem, prepared, batch):
        for s, x in enumerate(batch.X):
            halt_if_told()
            atoms, scale = problem.dictionary.atoms, prepared.scale
            if batch.observed is not None and not batch.observed[s].all():
                x = x[batch.observed[s]]
                atoms = np.ascontiguousarray(atoms[:, batch.observed[s]])
                scale = inverse_norms(atoms)
            start = batch.codes[s].astype(np.float64)
            target = batch.errors[s]
            batch.n_iter[s], error = choose_by_residual(
                x,
                atoms,
                scale,
                (target, batch.limits[s]),
                Choice(float(self.tol), self._by_reduction, problem.codes is not None),
                start,
                batch.codes[s],
                batch.history[s],
                halt_flag(),
            )
            missed = target > 0 and error > target and batch.n_iter[s] < batch.counts[s]
            batch.stop[s] = error / target if missed else 0
            batch.history[s, 1, batch.n_iter[s] :] = batch.stop[s]
        return np.zeros(len(batch.X), dtype=bool)

    def _warn(self, problem, stop, n_samples, may_go_on):
        warnings.warn(
            f"{type(self).__name__}: {len(stop)} of {n_samples} samples did not reach their error "
            "target with all the atoms that reduce their error; the worst squared residual norm "
            f"is {stop.max():.2g} times its target. Raise error, or use a larger dictionary.",
            ConvergenceWarning,
            stacklevel=3,
        )


class _Batch(NamedTuple):
    """Samples of a block, less the offset and 0 where they are missing, and their answers."""

    X: np.ndarray
    observed: np.ndarray | None
    counts: np.ndarray
    limits: np.ndarray
    errors: np.ndarray
    codes: np.ndarray
    n_iter: np.ndarray
    stop: np.ndarray
    history: np.ndarray

    def take(self, inside, X):
        """Some of the samples, given all of them in another precision."""
        observed = None if self.observed is None else self.observed[inside]
        return _Batch(X[inside], observed, *(array[inside] for array in self[2:]))

    def put(self, inside, part):
        """Take over the answers to some of the samples."""
        for whole, some in zip(self[5:], part[5:], strict=True):
            whole[inside] = some


class _Prepared:
    """Data that the blocks share, made when first wanted."""

    def __init__(self, problem):
        self._dictionary = problem.dictionary
        self.targets = problem.penalty.targets(*problem.shape)
        columns = min(_most_atoms(self.targets[0], problem.dictionary), _COLUMNS_A_SAMPLE)
        self._takes_gram = not problem.missing and problem.takes_gram(columns)

    @cached_property
    def single(self):
        """The dictionary, and its atoms divided by their norms."""
        return self._dictionary, UnitAtoms.of(self._dictionary, self._takes_gram)

    @cached_property
    def double(self):
        """The same in float64."""
        dictionary = self._dictionary.astype(np.float64)
        return dictionary, UnitAtoms.of(dictionary, self._takes_gram)

    @cached_property
    def scale(self):
        """The inverse norms in float64."""
        return inverse_norms(self._dictionary.atoms)


def _most_atoms(counts, dictionary):
    """More atoms than features are never linearly independent."""
    return min(int(counts.max()), *dictionary.atoms.shape)
