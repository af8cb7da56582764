"""The kernel of greedy solvers: choose an atom, remove it from the residual, and repeat.

In the Gram domain, with atoms of unit norm: the chosen atoms are made orthonormal one by one
(Gram-Schmidt), and row `i` of `basis` holds the inner products of the i-th of these directions
with all atoms. That is the pivoted Cholesky factor of the Gram matrix, so the inner products of a
new atom with the directions are read off a column. With `y` the sample's inner product with a new
direction, the residual correlations lose ``y * basis[i]``, the squared norms of the parts of the
atoms that are orthogonal to the support lose ``basis[i]**2``, and the squared error ``y**2``.

A sample with missing entries has a Gram matrix of its own, of which only the rows of its chosen
atoms are computed.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike

from sparsecode import _jit
from sparsecode._aligned import aligned, aligned_empty
from sparsecode._interrupts import is_halted
from sparsecode.solvers.greedy.directions import (
    BLOCK,
    add_direction,
    fill_gram_row,
    find_largest,
    load,
    subtract,
)
from sparsecode.solvers.greedy.support_fit import (
    Chosen,
    back_substitute,
    certain_error,
    norm_of,
    refine_on_support,
    rounding_of_error,
    store,
)

# Rounding of squared errors and of correlations, in units of the machine's.
_ERROR_ROUNDING, _CORRELATION_ROUNDING = 16, 64
# Coefficients and errors are as right as they are stored where no pivot is below the one, and the
# error not so close to 0 or its target as the other, a share of the squared norm: float32, float64.
_SINGLE, _DOUBLE = (0.05, 1e-4), (1e-4, 1e-8)


class Samples(NamedTuple):
    """Samples of a block, and their correlations with the atoms of unit norm."""

    x: np.ndarray
    corr: np.ndarray


class Targets(NamedTuple):
    """The number of atoms that each sample may have, that it can have, and its squared error."""

    counts: np.ndarray
    limits: np.ndarray
    errors: np.ndarray


class Partial(NamedTuple):
    """The entries that samples have, and the atoms, also as columns, to compute Gram rows by."""

    observed: np.ndarray
    atoms: np.ndarray
    columns: np.ndarray


class Answer(NamedTuple):
    """Arrays to fill in; `recheck` tells of which samples the codes are not final."""

    codes: np.ndarray
    n_iter: np.ndarray
    stop: np.ndarray
    history: np.ndarray
    recheck: np.ndarray


class Choice(NamedTuple):
    """The rule by which atoms are chosen; `may_start` says that codes hold a start."""

    tol: float
    by_reduction: bool
    may_start: bool


class Workspace(NamedTuple):
    """Arrays to work in: directions as rows, and rows with an entry an atom.

    The rows are seen as blocks of bits, too, whose largest entries go to `tops`.
    """

    basis: np.ndarray
    residual: np.ndarray
    square: np.ndarray
    score: np.ndarray
    residual_bits: np.ndarray
    score_bits: np.ndarray
    tops: np.ndarray

    @classmethod
    def of(cls, n_components: int, most: float, dtype: DTypeLike) -> Self:
        """Arrays for so many atoms, of which `most` are chosen at most."""
        n_blocks = -(-n_components // BLOCK)
        # Rows of whole cache lines, of no power of two of bytes: those would all lie on the same.
        basis = aligned_empty((most, n_blocks * BLOCK + 80), dtype)
        blocks = aligned(np.zeros((3, n_blocks, BLOCK), dtype=dtype))
        rows = (row.ravel()[:n_components] for row in blocks)
        bits = np.int32 if dtype == np.float32 else np.int64
        tops = np.empty(n_blocks, dtype=bits)
        return cls(basis, *rows, blocks[0].view(bits), blocks[2].view(bits), tops)


@_jit.kernel
def choose_rows(samples, unit, partial, targets, choice, answer, workspace, halt):
    """Fill in codes; `recheck` becomes True where this precision cannot tell atoms apart.

    `unit` holds the atoms of norm 1; `partial` is None, or the entries that samples have.
    Correlations are right to a share of the norm of the sample, not of its residual; the Gram
    matrix tells no atoms apart whose difference is small. Codes of such samples are not final.
    """
    corr, x = samples.corr, samples.x
    codes, n_iter, stop, history, recheck = answer
    counts, limits, errors = targets
    squares, scale = unit.squares, unit.scale
    residual, square = workspace.residual, workspace.square
    n, most, n_features = corr.shape[1], workspace.basis.shape[0], x.shape[1]
    chosen = Chosen(
        np.empty(most, dtype=np.int64),
        np.empty((most, most), dtype=corr.dtype),
        np.empty(most),
        np.empty(most),
    )
    left, step = np.empty(n_features), np.empty(most)
    eps = np.float64(np.finfo(corr.dtype).eps)
    for s in range(corr.shape[0]):
        if is_halted(halt):
            return
        squared_norm = 0.0
        for f in range(n_features):
            squared_norm += np.float64(x[s, f]) * np.float64(x[s, f])
        for j in range(n):
            residual[j] = corr[s, j]
        row = s if len(scale) > 1 else 0
        if choice.by_reduction:
            for j in range(n):
                square[j] = squares[row, j]
        # What rounding may hide from a difference of squared errors is judged afterwards.
        goal = errors[s] + _ERROR_ROUNDING * eps * squared_norm if errors[s] > 0 else -np.inf
        trust = _CORRELATION_ROUNDING * eps * np.sqrt(squared_norm)
        count, error, weakest = _choose_atoms(
            s, squared_norm, unit, partial, row, limits[s], goal, trust, choice, codes[s],
            history[s], chosen, workspace, halt,
        )  # fmt: skip
        n_iter[s], recheck[s] = count, weakest == 0
        if weakest == 0:
            continue
        back_substitute(chosen.loading, chosen.inverse, chosen.code, count)
        error, certain, recheck[s] = _judge(
            s, x, unit.atoms, partial, scale[row], targets, chosen, count, squared_norm, error,
            weakest, goal, codes[s], left, step,
        )  # fmt: skip
        stop[s] = 0.0
        if errors[s] > 0 and certain > errors[s] and count < counts[s]:
            stop[s] = certain / errors[s]
        if history.shape[2] > 0:
            history[s, 0, count:] = 0.5 * error
            history[s, 1, count:] = stop[s]


@_jit.outlined
def _judge(
    s,
    x,
    atoms,
    partial,
    scale,
    targets,
    chosen,
    count,
    squared_norm,
    error,
    weakest,
    goal,
    codes,
    left,
    step,
):
    """Squared error of one sample, its upper bound, and whether its atoms need a recheck.

    Coefficients are made exact where rounding may be seen in them, and written to `codes`.
    """
    target, limit, is_full = targets.errors[s], targets.limits[s], count >= targets.counts[s]
    is_single = chosen.loading.itemsize == 4
    sound, near = _SINGLE if is_single else _DOUBLE
    ends_early = count < limit and not error <= goal
    distance = error if is_full else min(error, abs(error - target))
    if weakest >= sound and distance > near * squared_norm and not ends_early:
        store(codes, scale, chosen, count)
        error = max(error, 0.0)
        return error, error, False
    enough = (1e-8 if is_single else 1e-24) * squared_norm
    needs_no_target = is_full or not error <= goal
    error = refine_on_support(x[s], atoms, partial, s, scale, chosen, count, enough, left, step)
    size, size_of_code = np.sqrt(squared_norm), norm_of(chosen.code, count)
    moved = store(codes, scale, chosen, count)
    certain = certain_error(error, moved, size, size_of_code)
    if not certain < np.inf:
        return error, certain, True
    if target > 0 and certain <= target:
        return error, certain, False
    if ends_early:
        eps = np.float64(np.finfo(codes.dtype).eps)
        return error, certain, error > rounding_of_error(eps, size, size_of_code)
    # It was to be within its target, and is not.
    return error, certain, not needs_no_target


@_jit.inner
def _choose_atoms(
    s,
    squared_norm,
    unit,
    partial,
    row,
    limit,
    goal,
    trust,
    choice,
    start,
    history,
    chosen,
    workspace,
    halt,
):
    """Choose the atoms of one sample: how many, the squared error they leave, smallest pivot.

    The pivot is 0 where it is too small to be more than rounding. Ends early where nothing is left
    that is more than rounding.
    """
    active, loading, inverse, code = chosen
    basis, residual, score = workspace.basis, workspace.residual, workspace.score
    gram, squares, scale = unit.gram, unit.squares[row], unit.scale[row]
    real = basis.dtype.type
    dependent = np.float64(1e-4 if basis.itemsize == 4 else 1e-10)
    error, count = squared_norm, 0
    weakest, largest = 1.0, -1.0
    while not is_halted(halt) and count < limit and error > goal:
        if choice.by_reduction and count > 0:
            j = find_largest(workspace.score_bits, workspace.tops)
            left = np.sqrt(score[j]) * largest
        else:
            j = find_largest(workspace.residual_bits, workspace.tops)
            left = np.float64(abs(residual[j]))
        if largest < 0:
            largest = left
        least = max(trust, choice.tol * np.sqrt(max(error, 0.0)))
        if not left > least:
            break
        inverse_largest = real(1 / max(largest, np.finfo(basis.dtype).tiny))
        if choice.may_start:
            j = _next_of_start(
                start, scale, squares, residual, basis, loading, count, dependent, least, j
            )
        pivot = load(squares[j], basis, j, count, loading[count])
        if not pivot > dependent:
            return count, error, 0.0
        weakest = min(weakest, pivot)
        inverse[count] = 1 / np.sqrt(pivot)
        y = residual[j] * inverse[count]
        active[count], code[count] = j, y
        if history.shape[1] > 0:
            history[0, count] = 0.5 * max(error, 0.0)
            history[1, count] = min(abs(y) / np.sqrt(error), 1.0) if error > 0 else 0.0
        error -= y * y
        # After the last atom nothing is chosen, so its direction is not needed.
        if count + 1 < limit and error > goal:
            if partial is None:
                add_direction(gram[j], basis, loading[count], count, real(inverse[count]))
            else:
                fill_gram_row(basis[count], j, scale, partial, s)
                add_direction(basis[count], basis, loading[count], count, real(inverse[count]))
            subtract(
                basis[count],
                real(y),
                real(dependent),
                choice.by_reduction,
                inverse_largest,
                workspace,
            )
        count += 1
    return count, error, weakest


@_jit.outlined
def _next_of_start(
    start, scale, squares, residual, basis, loading, count, dependent, least, otherwise
):
    """Take out the atom of largest contribution to a start, of those that reduce the error.

    If there is none left, `otherwise`.
    """
    best, found = 0.0, -1
    for j in range(start.shape[0]):
        if start[j] != 0 and scale[j] > 0 and abs(start[j]) > best * scale[j]:
            pivot = load(squares[j], basis, j, count, loading[count])
            if pivot > dependent and abs(residual[j]) > least * np.sqrt(pivot):
                best, found = np.float64(abs(start[j]) / scale[j]), j
    if found < 0:
        return otherwise
    start[found] = 0
    return found
