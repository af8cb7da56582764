"""Sparse codes on many atoms, without their Gram matrix: a few atoms at a time.

Each sample has a set of atoms to work on. It is solved on these, by the solver itself with their
small Gram matrix; then the inner products of its residual with all atoms, in float64, tell how good
the code is for the whole problem, and which atoms violate optimality most: these join. It ends at
the tolerance of the whole problem, so that the certificate is what it would be otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import halt_if_told
from sparsecode._judge import duality_gap
from sparsecode._objective_scaling import ratio
from sparsecode._row_products import row_product
from sparsecode.dictionary import Dictionary
from sparsecode.penalties import ElasticNet
from sparsecode.penalties.base import Penalty
from sparsecode.solvers._batch.problem import MOST_GRAM_BYTES, Block, Problem

# Looks at all atoms that a sample takes, in the time of columns of the Gram matrix; measured.
_COLUMNS_A_SAMPLE = 16
# Atoms that join at first; later as many as there are.
_FIRST_ATOMS = 64
# Share of the tolerance that a sample is solved to on its own atoms, and what that falls by, so
# many times, where that did not lower the objective.
_INNER, _STRICTER, _MOST_TRIES = 0.3, 0.1, 3
# Largest Gram matrix of the atoms of one sample.
_MOST_PART_BYTES = 2**32
# Where the tolerance is 0.
_ROUNDING = 1e-12


def parts_of(solver, problem):
    """Return the `Parts` with which a solver takes a few atoms at a time; None if all at once.

    Raises
    ------
    ValueError
        If the codes are dense and the Gram matrix of all atoms is too large.
    """
    if problem.takes_gram(_COLUMNS_A_SAMPLE):
        return None
    if not _makes_dense(problem.penalty):
        return Parts.of(solver, problem)
    n_components = problem.dictionary.n_components
    n_bytes = n_components**2 * problem.dictionary.dtype.itemsize
    if n_bytes > MOST_GRAM_BYTES:
        name = type(problem.penalty).__name__
        others = ", ADMM" * problem.penalty.convex
        others += " or ConjugateGradient" * problem.penalty.smooth
        raise ValueError(
            f"{type(solver).__name__} with {name} needs the Gram matrix of all atoms, as no code "
            f"is zero; got {n_components} atoms, whose Gram matrix has {n_bytes / 2**30:.1f} GiB; "
            f"expected at most {MOST_GRAM_BYTES / 2**30:.0f} GiB. Use FISTA{others}, which do not "
            "need it."
        )
    return None


def _makes_dense(penalty):
    """Return whether no coefficient is zero at the optimum, so that all atoms are needed."""
    is_ridge = isinstance(penalty, ElasticNet) and penalty.alpha > 0 and penalty.l1_ratio == 0
    return penalty.smooth or is_ridge


@dataclass(frozen=True)
class Parts:
    """Data that the samples share: atoms in float64, their norms, and the penalty."""

    solver: object
    atoms: np.ndarray
    columns: Any
    norms: np.ndarray
    inverse: np.ndarray
    lipschitz: float
    prepared: Penalty

    @classmethod
    def of(cls, solver, problem):
        dictionary = problem.dictionary.astype(np.float64)
        squares = np.einsum("ij,ij->i", dictionary.atoms, dictionary.atoms)
        with np.errstate(divide="ignore", over="ignore"):
            inverse = 1 / squares
        inverse[~np.isfinite(inverse)] = 0
        prepared = problem.penalty.prepare(dictionary.n_components, np.float64)
        return cls(
            solver,
            dictionary.atoms,
            dictionary._atoms_as_columns,
            np.sqrt(squares),
            inverse,
            dictionary.lipschitz,
            prepared,
        )

    def solve(self, problem, block):
        """Fill in a block of rows of `problem`, whose atoms these are."""
        X = problem.centred(block.rows, np.float64)
        samples = [_Sample(np.flatnonzero(code)) for code in block.codes]
        largest = np.abs(row_product(X, self.columns)).max(axis=1)
        rows = np.arange(len(X))
        while rows.size:
            halt_if_told()
            scores = self._judge(problem, block, X, largest, rows, samples)
            going = [
                self._advance(problem, block, int(row), samples[row], score)
                for row, score in zip(rows, scores, strict=True)
            ]
            rows = rows[going]

    def _judge(self, problem, block, X, largest, rows, samples):
        """Judge the codes of some rows; return the length of the step of each other atom."""
        codes, penalty = block.codes[rows].astype(np.float64), problem.penalty
        residual = X[rows]
        for s, row in enumerate(rows):
            used = samples[row].atoms
            residual[s] -= codes[s, used] @ self.atoms[used]
        correlations = row_product(residual, self.columns)
        values = penalty.value(codes)
        scores, worst = np.empty_like(codes), np.empty(len(rows))
        _score_rows(self.prepared, self.inverse, self.norms, codes, correlations, scores, worst)
        half_residual = np.einsum("ij,ij->i", residual, residual) / 2
        if problem.by_gap:
            gap = duality_gap(penalty, residual, residual, correlations, codes, values)
            stop = ratio(gap, np.einsum("ij,ij->i", X[rows], X[rows]) / 2)
        else:
            moved = penalty.stationarity(codes, correlations, self.lipschitz, half_residual)
            stop = ratio(np.maximum(moved, worst), largest[rows])
        slack = 4 * np.finfo(block.codes.dtype).eps * np.einsum("ij,ij->i", X[rows], X[rows]) / 2
        for s, row in enumerate(rows):
            objective = half_residual[s] + values[s]
            block.stop[row] = stop[s]
            block.history[row, 0, block.n_iter[row] :] = objective
            block.history[row, 1, block.n_iter[row] :] = stop[s]
            samples[row].note(objective, slack[s])
            scores[s, samples[row].atoms] = 0
        return scores

    def _advance(self, problem, block, row, sample, score):
        """Solve a sample on more atoms; returns whether it is to be judged again."""
        halt_if_told()
        solver, before = self.solver, block.n_iter[row]
        if (block.stop[row] <= solver.tol and solver.tol > 0) or before >= solver.max_iter:
            return False
        newcomers = _largest(score, max(_FIRST_ATOMS, len(sample.atoms)))
        is_solved = sample.rounds > 1 and solver.tol == 0
        if sample.tries > _MOST_TRIES or (newcomers.size == 0 and is_solved):
            return False
        sample.join(newcomers, problem.dictionary.dtype)
        if sample.atoms.size == 0:
            return False
        tol = solver.tol * _INNER * _STRICTER**sample.tries
        if solver.tol == 0 and not solver.finite:
            tol = _ROUNDING
        inner = replace(solver, tol=tol, max_iter=int(solver.max_iter - before))
        part = _restricted(problem, block, row, sample.atoms)
        answer = _block_of(part, inner, block)
        part.start(answer.rows, answer.codes)
        inner._solve_block(part, inner._prepare(part), answer)
        block.codes[row] = 0
        if np.isfinite(answer.codes).all():
            block.codes[row, sample.atoms] = answer.codes[0]
        after = before + answer.n_iter[0]
        block.n_iter[row] = after
        block.history[row, 0, before + 1 : after + 1] = answer.history[
            0, 0, 1 : answer.n_iter[0] + 1
        ]
        return True


class _Sample:
    """The atoms of a sample, its lowest objective, and tries in a row that did not lower it."""

    def __init__(self, atoms):
        self.atoms, self.lowest, self.rounds, self.tries = atoms, np.inf, 0, 0

    def note(self, objective, slack):
        """Take notice of an objective, which counts as lower only beyond rounding."""
        self.tries = 0 if objective < self.lowest - slack else self.tries + 1
        self.lowest = min(self.lowest, objective)
        self.rounds += 1

    def join(self, atoms, dtype):
        """Let more atoms join."""
        self.atoms = np.concatenate([self.atoms, atoms])
        n_bytes = len(self.atoms) ** 2 * dtype.itemsize
        if n_bytes > _MOST_PART_BYTES:
            raise ValueError(
                f"a sample needs {len(self.atoms)} atoms at once, whose Gram matrix has "
                f"{n_bytes / 2**30:.1f} GiB; expected codes sparse enough for at most "
                f"{_MOST_PART_BYTES / 2**30:.0f} GiB. Raise alpha, or use FISTA, which does not "
                "need a Gram matrix."
            )


def _restricted(problem, block, row, atoms):
    """The problem of one sample on some atoms."""
    dictionary = Dictionary(problem.dictionary.atoms[atoms], problem.dictionary.offset)
    penalty = problem.penalty.for_atoms(atoms)
    first = block.rows.start + row
    return Problem(
        problem.samples(slice(first, first + 1)),
        dictionary,
        penalty,
        penalty.prepare(len(atoms), dictionary.dtype),
        block.codes[row : row + 1, atoms],
    )


def _block_of(part, inner, block):
    """An empty answer of one sample."""
    n_records = inner._n_records(part) if block.history.shape[2] else 0
    codes = np.zeros(part.shape, dtype=part.dictionary.dtype)
    return Block.empty(codes, np.empty((1, 2, n_records)))


def _largest(score, count):
    """Indices of the largest positive scores, at most so many, in order of the atoms."""
    found = np.flatnonzero(score > 0)
    if len(found) > count:
        found = np.sort(found[np.argpartition(-score[found], count)[:count]])
    return found


@_jit.kernel
def _score_rows(penalty, inverse, norms, codes, correlations, scores, worst):
    """Length of the step of each coefficient to its own minimum, and the largest slope there."""
    for s in range(codes.shape[0]):
        worst[s] = 0.0
        for j in range(codes.shape[1]):
            step, code = inverse[j], codes[s, j]
            scores[s, j] = 0.0
            if step > 0:
                target = _jit.scalar_prox(penalty, code + correlations[s, j] * step, step, j)
                move = abs(target - code)
                scores[s, j] = move * norms[j]
                worst[s] = max(worst[s], move / step)
