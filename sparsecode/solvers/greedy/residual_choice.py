"""The kernel of greedy solvers for samples and atoms for which a Gram matrix is too inexact.

Slower, and exact: the residual of the sample and the orthonormal directions of the chosen atoms are
vectors of features, in float64 whatever the data. An atom's correlation is right to a share of
what is left of the sample, however little that is, and what is left of an atom to a share of
itself.
"""

from __future__ import annotations

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import is_halted
from sparsecode.solvers.greedy.support_fit import (
    Chosen,
    back_substitute,
    certain_error,
    norm_of,
    rounding_of_error,
    store,
    subtract_chosen,
)

# Roundings of a coefficient and of a correlation, in units of the machine's: an atom whose distance
# from the others is below the one would get coefficients whose rounding is all that it adds.
_DEPENDENT, _FLAT = 64, 16
# Share of a squared norm from which on differences are too coarse.
_COARSE = 1e-6


@_jit.kernel
def choose_by_residual(x, atoms, scale, targets, choice, start, codes, history, halt):
    """Fill `codes`; return the number of atoms, and what the squared error is at most.

    `scale` is the inverse norm of each atom, or 0; `start` holds coefficients of atoms that enter
    first, and is written to.
    """
    target, limit = targets
    tol, by_reduction = choice.tol, choice.by_reduction
    n, n_features = atoms.shape
    left, x_left = x.copy(), np.empty(n_features)
    basis, loading = np.empty((limit + 1, n_features)), np.empty((limit + 1, limit + 1))
    active, inverse, code, step = (
        np.empty(limit, dtype=np.int64), np.empty(limit), np.empty(limit), np.empty(limit)
    )  # fmt: skip
    chosen = Chosen(active, loading, inverse, code)
    # Along the directions, what the sample has.
    along = np.empty(limit)
    corr, square, known = np.empty(n), np.empty(n), np.empty(n)
    for j in range(n):
        square[j] = known[j] = 1 if scale[j] > 0 else 0
    rows = corr, square, known
    eps = np.float64(np.finfo(codes.dtype).eps)
    dependent = (_DEPENDENT * eps) ** 2
    tol = max(tol, _FLAT * float(np.finfo(np.float64).eps))
    size = norm_of(x, n_features)
    count, certain = 0, size * size
    # Every turn adds an atom, or finds one out that depends on the others.
    for _ in range(n + limit + 1):
        error = norm_of(left, n_features) ** 2
        for a in range(count):
            code[a] = along[a]
        back_substitute(loading, inverse, code, count)
        _record(history, count, error)
        if target > 0 and error <= target:
            certain = _finish(x, atoms, scale, chosen, basis, count, size, codes, x_left, step)
            if certain <= target:
                return count, certain
        size_of_code = norm_of(code, count)
        if (
            is_halted(halt)
            or count == limit
            or not error > rounding_of_error(eps, size, size_of_code)
        ):
            break
        j = _next(
            start, atoms, scale, left, basis, loading, count, rows, by_reduction,
            dependent, tol * tol * error,
        )  # fmt: skip
        if j < 0:
            break
        pivot = _remainder(atoms[j], scale[j], basis, loading[count], count)
        square[j] = known[j] = 0
        if not pivot > dependent:
            continue
        active[count], inverse[count] = j, 1 / np.sqrt(pivot)
        along[count] = 0
        for f in range(n_features):
            basis[count, f] *= inverse[count]
        count += 1
        _project(left, basis, along, count)
        if history.shape[1] > 0:
            history[1, count - 1] = min(abs(along[count - 1]) / np.sqrt(error), 1.0)
        if by_reduction:
            _reduce_squares(atoms, scale, basis, loading, count, rows)
    return count, _finish(x, atoms, scale, chosen, basis, count, size, codes, x_left, step)


@_jit.inner
def _record(history, count, error):
    if history.shape[1] > 0:
        history[0, count:] = 0.5 * error
        history[1, count:] = 0


@_jit.inner
def _dot(a, b):
    total = 0.0
    for f in range(b.shape[0]):
        total += a[f] * b[f]
    return total


@_jit.inner
def _project(left, basis, along, count):
    """Take all directions out of the residual, of which but the last are there as rounding."""
    for a in range(count - 1, -1, -1):
        y = _dot(basis[a], left)
        along[a] += y
        for f in range(left.shape[0]):
            left[f] -= y * basis[a, f]


@_jit.inner
def _remainder(atom, scale, basis, loading, count):
    """Row `count` of the basis: an atom of norm 1 less its part in the directions; its square."""
    out = basis[count]
    for f in range(out.shape[0]):
        out[f] = scale * np.float64(atom[f])
    for a in range(count):
        loading[a] = 0
    # Twice is enough.
    for _ in range(2):
        for a in range(count):
            y = _dot(basis[a], out)
            loading[a] += y
            for f in range(out.shape[0]):
                out[f] -= y * basis[a, f]
    return _dot(out, out)


@_jit.inner
def _next(start, atoms, scale, left, basis, loading, count, rows, by_reduction, dependent, least):
    """The atom to choose, or -1 if none takes `least` from the squared error.

    Of the start, the one of largest contribution enters first.
    """
    square, best, found = rows[1], 0.0, -1
    for j in range(start.shape[0]):
        if start[j] != 0 and square[j] > 0 and abs(start[j]) > best * scale[j]:
            pivot = _remainder(atoms[j], scale[j], basis, loading[count], count)
            y = _dot(basis[count], left)
            if pivot > dependent and y * y > least * pivot:
                best, found = abs(start[j]) / scale[j], j
    if found >= 0:
        start[found] = 0
        return found
    return _best(atoms, scale, left, basis, loading, count, rows, by_reduction, dependent, least)


@_jit.inner
def _best(atoms, scale, left, basis, loading, count, rows, by_reduction, dependent, least):
    """The atom to choose, or -1 if none takes `least` from the squared error."""
    corr, square, known = rows
    n = corr.shape[0]
    largest, found = 0.0, -1
    for j in range(n):
        corr[j] = scale[j] * _dot(atoms[j], left)
        if square[j] > 0 and abs(corr[j]) > largest:
            largest, found = abs(corr[j]), j
    if not by_reduction:
        if found < 0 or largest * largest > least:
            return found
        # An atom close to the chosen ones may still take much from the error.
        for j in range(n):
            if square[j] > 0:
                square[j] = known[j] = _remainder(atoms[j], scale[j], basis, loading[count], count)
    best, found = least, -1
    for j in range(n):
        if square[j] > dependent and corr[j] * corr[j] > best * square[j]:
            best, found = corr[j] * corr[j] / square[j], j
    return found


@_jit.inner
def _reduce_squares(atoms, scale, basis, loading, count, rows):
    """Take the last direction out of the squared norms of what is left of the atoms."""
    _, square, known = rows
    for j in range(square.shape[0]):
        if square[j] > 0:
            y = scale[j] * _dot(atoms[j], basis[count - 1])
            square[j] -= y * y
            if not square[j] > _COARSE * known[j]:
                square[j] = known[j] = _remainder(atoms[j], scale[j], basis, loading[count], count)


@_jit.inner
def _finish(x, atoms, scale, chosen, basis, count, size, codes, left, step):
    """Write a code, made exact by its residual; returns what its squared error is at most."""
    active, loading, inverse, code = chosen
    subtract_chosen(x, atoms, scale, chosen, count, left)
    for a in range(count):
        step[a] = _dot(basis[a], left)
    back_substitute(loading, inverse, step, count)
    for a in range(count):
        code[a] += step[a]
    store(codes, scale, chosen, count)
    # As it is stored.
    for a in range(count):
        code[a] = np.float64(codes[active[a]]) / scale[active[a]]
    subtract_chosen(x, atoms, scale, chosen, count, left)
    error = norm_of(left, left.shape[0]) ** 2
    return certain_error(error, 0.0, size, norm_of(code, count))
