"""The kernel of greedy solvers: choose an atom, take it out of the residual, again.

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

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import is_halted
from sparsecode.solvers.greedy.directions import (
    add_direction,
    fill_gram_row,
    find_largest,
    load,
    subtract,
)
from sparsecode.solvers.greedy.support_fit import (
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
# error not so close to 0 or its target as the other, a share of the energy: float32, float64.
_SINGLE, _DOUBLE = (0.05, 1e-4), (1e-4, 1e-8)


@_jit.kernel
def choose_rows(
    corr,
    samples,
    atoms,
    gram,
    squares,
    scale,
    partial,
    targets,
    tol,
    by_reduction,
    may_start,
    codes,
    n_iter,
    stop,
    history,
    doubtful,
    basis,
    rows,
    blocks,
    halt,
):
    """Fill `codes`; `doubtful` is True where this precision cannot tell atoms apart.

    Correlations are right to a share of the norm of the sample, not of its residual; the Gram
    matrix tells no atoms apart whose difference is small. Codes of doubtful samples are not final.
    """
    n, most, n_features = corr.shape[1], basis.shape[0], samples.shape[1]
    residual, square, _ = rows
    counts, limits, errors = targets
    # Of the chosen atoms: inner products with the directions before, inverse of that with their
    # own, and what the sample has along it.
    loading = np.empty((most, most), dtype=corr.dtype)
    active, inverse, code = np.empty(most, dtype=np.int64), np.empty(most), np.empty(most)
    chosen = (active, loading, inverse, code)
    room = np.empty(n_features), np.empty(most)
    eps = np.float64(np.finfo(corr.dtype).eps)
    for s in range(corr.shape[0]):
        if is_halted(halt):
            return
        energy = 0.0
        for f in range(n_features):
            energy += np.float64(samples[s, f]) * np.float64(samples[s, f])
        for j in range(n):
            residual[j] = corr[s, j]
        own = s if len(scale) > 1 else 0
        if by_reduction:
            for j in range(n):
                square[j] = squares[own, j]
        # What rounding may hide from a difference of squared errors is judged afterwards.
        goal = errors[s] + _ERROR_ROUNDING * eps * energy if errors[s] > 0 else -np.inf
        trust = _CORRELATION_ROUNDING * eps * np.sqrt(energy)
        count, error, weakest = _choose_atoms(
            energy,
            gram,
            squares[own],
            scale[own],
            partial,
            s,
            limits[s],
            goal,
            trust,
            tol,
            by_reduction,
            may_start,
            codes[s],
            history[s],
            basis,
            chosen,
            rows,
            blocks,
            halt,
        )
        n_iter[s], doubtful[s] = count, weakest == 0
        if weakest == 0:
            continue
        back_substitute(loading, inverse, code, count)
        error, certain, is_doubtful = _judge(
            samples[s], atoms, partial, s, scale[own], chosen, count, energy, error, weakest,
            (errors[s], goal, limits[s], count >= counts[s]), codes[s], room,
        )  # fmt: skip
        doubtful[s] = is_doubtful
        stop[s] = 0.0
        if errors[s] > 0 and certain > errors[s] and count < counts[s]:
            stop[s] = certain / errors[s]
        if history.shape[2] > 0:
            history[s, 0, count:] = 0.5 * error
            history[s, 1, count:] = stop[s]


@_jit.inner
def _judge(
    x, atoms, partial, sample, scale, chosen, count, energy, error, weakest, wanted, codes, room
):
    """Squared error of one sample, its upper bound, and whether its atoms are doubtful.

    Coefficients are made exact where rounding may be seen in them, and written to `codes`.
    """
    target, goal, limit, is_full = wanted
    is_single = chosen[1].itemsize == 4
    sound, near = _SINGLE if is_single else _DOUBLE
    ends_early = count < limit and not error <= goal
    distance = error if is_full else min(error, abs(error - target))
    if weakest >= sound and distance > near * energy and not ends_early:
        store(codes, scale, chosen, count)
        error = max(error, 0.0)
        return error, error, False
    enough = (1e-8 if is_single else 1e-24) * energy
    needs_no_target = is_full or not error <= goal
    error = refine_on_support(
        x, atoms, partial, sample, scale, chosen, count, enough, room[0], room[1]
    )
    size, size_of_code = np.sqrt(energy), norm_of(chosen[3], count)
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
    energy,
    gram,
    squares,
    scale,
    partial,
    sample,
    limit,
    goal,
    trust,
    tol,
    by_reduction,
    may_start,
    start,
    history,
    basis,
    chosen,
    rows,
    blocks,
    halt,
):
    """Choose the atoms of one sample: how many, the squared error they leave, smallest pivot.

    The pivot is 0 where it is too small to be more than rounding. Ends early where nothing is left
    that is more than rounding.
    """
    active, loading, inverse, code = chosen
    residual, _, score = rows
    residual_bits, score_bits, tops = blocks
    real = basis.dtype.type
    dependent = np.float64(1e-4 if basis.itemsize == 4 else 1e-10)
    error, count = energy, 0
    weakest, largest = 1.0, -1.0
    while not is_halted(halt) and count < limit and error > goal:
        if by_reduction and count > 0:
            j = find_largest(score_bits, tops)
            left = np.sqrt(score[j]) * largest
        else:
            j = find_largest(residual_bits, tops)
            left = np.float64(abs(residual[j]))
        if largest < 0:
            largest = left
        least = max(trust, tol * np.sqrt(max(error, 0.0)))
        if not left > least:
            break
        unit = 1 / max(largest, np.finfo(basis.dtype).tiny)
        if may_start:
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
                fill_gram_row(basis[count], j, scale, partial, sample)
                add_direction(basis[count], basis, loading[count], count, real(inverse[count]))
            subtract(basis[count], real(y), real(dependent), by_reduction, real(unit), rows)
        count += 1
    return count, error, weakest


@_jit.inner
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
