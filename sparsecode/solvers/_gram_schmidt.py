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

# Entries of which the largest is found at once.
BLOCK = 32


@_jit.kernel
def choose_rows(
    corr,
    energy,
    gram,
    squares,
    scale,
    partial,
    counts,
    limits,
    errors,
    rounding,
    tol,
    dependent,
    by_reduction,
    may_start,
    codes,
    n_iter,
    stop,
    history,
    basis,
    atoms,
    blocks,
):
    n, most = corr.shape[1], basis.shape[0]
    residual, square, _ = atoms
    # Of the chosen atoms: inner products with the directions before, inverse of that with their
    # own, and what the sample has along it.
    loading = np.empty((most, most), dtype=corr.dtype)
    active, inverse, code = np.empty(most, dtype=np.int64), np.empty(most), np.empty(most)
    for s in range(corr.shape[0]):
        for j in range(n):
            residual[j] = corr[s, j]
        own = s if len(scale) > 1 else 0
        if by_reduction:
            for j in range(n):
                square[j] = squares[own, j]
        goal = errors[s] - rounding[s] if errors[s] > 0 else -np.inf
        count, error = _choose_atoms(
            energy[s],
            gram,
            squares[own],
            scale[own],
            partial,
            s,
            limits[s],
            goal,
            tol,
            dependent,
            by_reduction,
            may_start,
            codes[s],
            history[s],
            basis,
            (active, loading, inverse, code),
            atoms,
            blocks,
        )
        n_iter[s] = count
        stop[s] = 0.0
        if error > goal and count < counts[s] and errors[s] > 0:
            stop[s] = (error + rounding[s]) / errors[s]
        if history.shape[2] > 0:
            history[s, 0, count:] = 0.5 * max(error, 0.0)
            history[s, 1, count:] = stop[s]
        if may_start:
            for j in range(n):
                codes[s, j] = 0
        _back_substitute(loading, inverse, code, count)
        for a in range(count):
            codes[s, active[a]] = code[a] * scale[own, active[a]]


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
    tol,
    dependent,
    by_reduction,
    may_start,
    start,
    history,
    basis,
    chosen,
    atoms,
    blocks,
):
    """Choose the atoms of one sample; returns how many, and the squared error they leave."""
    active, loading, inverse, code = chosen
    residual, square, score = atoms
    residual_bits, score_bits, tops = blocks
    real = basis.dtype.type
    error, count = energy, 0
    largest = -1.0
    while count < limit and error > goal:
        if by_reduction and count > 0:
            j = _find_largest(score_bits, tops)
            left = np.sqrt(score[j]) * largest
        else:
            j = _find_largest(residual_bits, tops)
            left = abs(residual[j])
        if largest < 0:
            largest = left
        if history.shape[1] > 0:
            history[0, count] = 0.5 * max(error, 0.0)
            history[1, count] = left / largest if largest > 0 else 0.0
        if left <= tol * largest:
            break
        unit = 1 / max(largest, np.finfo(basis.dtype).tiny)
        if may_start:
            j = _next_of_start(start, scale, j)
        pivot = _load(squares[j], basis, j, count, loading[count])
        if pivot > dependent:
            inverse[count] = 1 / np.sqrt(pivot)
            y = residual[j] * inverse[count]
            active[count], code[count] = j, y
            error -= y * y
            # After the last atom nothing is chosen, so its direction is not needed.
            if count + 1 < limit and error > goal:
                if partial is None:
                    _add_direction(gram[j], basis, loading[count], count, real(inverse[count]))
                else:
                    _fill_gram_row(basis[count], j, scale, partial, sample)
                    _add_direction(basis[count], basis, loading[count], count, real(inverse[count]))
                _subtract(basis[count], real(y), real(dependent), by_reduction, real(unit), atoms)
            count += 1
        else:
            residual[j], square[j], score[j] = 0, 0, 0
    return count, error


@_jit.inner
def _find_largest(bits, tops):
    """Index of the first entry of largest magnitude.

    Compares floats by their bits, which vectorises where a maximum of floats does not: without
    the sign bit they are ordered like integers.
    """
    mask = bits.dtype.type(0x7FFFFFFF if bits.itemsize == 4 else 0x7FFFFFFFFFFFFFFF)
    largest = bits.dtype.type(0)
    for block in range(bits.shape[0]):
        row = bits[block]
        top = bits.dtype.type(0)
        for i in range(row.shape[0]):
            top = max(top, bits.dtype.type(row[i] & mask))
        tops[block] = top
        largest = max(largest, top)
    block = 0
    while tops[block] != largest:
        block += 1
    i = 0
    while (bits[block, i] & mask) != largest:
        i += 1
    return block * bits.shape[1] + i


@_jit.inner
def _next_of_start(start, scale, otherwise):
    """Take out the atom of largest contribution to a start; `otherwise` if there is none left."""
    best, found = 0.0, -1
    for j in range(start.shape[0]):
        if start[j] != 0 and scale[j] > 0 and abs(start[j]) > best * scale[j]:
            best, found = abs(start[j]) / scale[j], j
    if found < 0:
        return otherwise
    start[found] = 0
    return found


@_jit.inner
def _fill_gram_row(out, j, scale, partial, sample):
    """Inner products of an atom with all atoms, on the features that a sample has."""
    observed, atoms, features = partial
    n = scale.shape[0]
    for i in range(n):
        out[i] = 0
    for f in range(observed.shape[1]):
        if observed[sample, f]:
            value, row = atoms[j, f] * scale[j], features[f]
            for i in range(n):
                out[i] += value * row[i]
    for i in range(n):
        out[i] *= scale[i]


@_jit.inner
def _load(square, basis, j, count, loading):
    """Inner products of an atom with the directions, and the square of what they leave of it."""
    square = np.float64(square)
    for i in range(count):
        loading[i] = basis[i, j]
        square -= np.float64(loading[i]) * loading[i]
    return square


@_jit.inner
def _add_direction(gram_row, basis, loading, count, inverse):
    """Fill row `count` of the basis: an atom less its part in the directions before, scaled."""
    n = gram_row.shape[0]
    out = basis[count]
    k = count % 4
    # Four rows a pass: the output is read and written a quarter as often.
    if k == 0:
        for i in range(n):
            out[i] = inverse * gram_row[i]
    elif k == 1:
        l0, q0 = inverse * loading[0], basis[0]
        for i in range(n):
            out[i] = inverse * gram_row[i] - l0 * q0[i]
    elif k == 2:
        l0, l1 = inverse * loading[0], inverse * loading[1]
        q0, q1 = basis[0], basis[1]
        for i in range(n):
            out[i] = inverse * gram_row[i] - l0 * q0[i] - l1 * q1[i]
    else:
        l0, l1, l2 = inverse * loading[0], inverse * loading[1], inverse * loading[2]
        q0, q1, q2 = basis[0], basis[1], basis[2]
        for i in range(n):
            out[i] = inverse * gram_row[i] - l0 * q0[i] - l1 * q1[i] - l2 * q2[i]
    while k < count:
        l0, l1 = inverse * loading[k], inverse * loading[k + 1]
        l2, l3 = inverse * loading[k + 2], inverse * loading[k + 3]
        q0, q1, q2, q3 = basis[k], basis[k + 1], basis[k + 2], basis[k + 3]
        for i in range(n):
            out[i] -= l0 * q0[i] + l1 * q1[i] + l2 * q2[i] + l3 * q3[i]
        k += 4


@_jit.inner
def _subtract(direction, y, dependent, by_reduction, unit, atoms):
    """Take a direction out of the residual; with `by_reduction`, score every atom anew.

    A score is what the atom takes from the squared error, times ``unit**2`` lest it overflow.
    """
    residual, square, score = atoms
    n = residual.shape[0]
    if not by_reduction:
        for i in range(n):
            residual[i] -= y * direction[i]
        return
    for i in range(n):
        q = direction[i]
        r = residual[i] - y * q
        left = square[i] - q * q
        residual[i] = r
        square[i] = left
        r *= unit
        score[i] = r * r / left if left > dependent else 0


@_jit.inner
def _back_substitute(loading, inverse, code, count):
    """Coefficients of the atoms from what the sample has along the directions, in place."""
    for a in range(count - 1, -1, -1):
        code[a] *= inverse[a]
        for b in range(a):
            code[b] -= code[a] * loading[a, b]
