"""Kernels on the active set of one sample: its atoms, their inverse Gram matrix, its optimum.

The set holds `count` atoms; row and column `a` of `inverse` belong to atom ``active[a]``. The
inverse is kept in float64 whatever the data: in float32 it is too inaccurate to be of use.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._simd import WIDTH, add_outer, weighted_sum
from sparsecode.solvers._kernels.rows import dot


class ActiveSet(NamedTuple):
    """Arrays with an entry an active atom, but for `is_active`, and space to spare for padding."""

    inverse: np.ndarray
    active: np.ndarray
    is_active: np.ndarray
    # Correlation with the sample, sign, coefficient, and the optimum for the present signs, which
    # follows every change of the set.
    target: np.ndarray
    sign: np.ndarray
    code: np.ndarray
    goal: np.ndarray
    # Inner products of a new atom, and a row to work in.
    cross: np.ndarray
    work: np.ndarray


@_jit.inner_with_arrays
def make_active_set(n_components, most):
    """An empty active set for `n_components` atoms, of which `most` are ever active at a time."""
    size = most + WIDTH
    return ActiveSet(
        # Rows of no power of two of bytes, which would all lie on the same cache lines.
        np.empty((size, size + WIDTH + 4)),
        np.empty(size, dtype=np.int64),
        np.zeros(n_components, dtype=np.uint8),
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(size),
    )


@_jit.inner
def _append_to_inverse(inverse, count, cross, square, tolerance, work):
    """Add an atom with inner products `cross` with the active ones and squared norm `square`.

    Fills `work` with the coefficients of the atom in the active ones. Returns False, and changes
    nothing else, if the atom depends linearly on them, as it does where the set is full.
    """
    for o in range(0, padded(count), WIDTH):
        weighted_sum(inverse, count, cross, o, work)
    schur = square
    for a in range(count):
        schur -= work[a] * cross[a]
    is_full = count + WIDTH == inverse.shape[0]
    if is_full or not schur > tolerance * square:
        return False
    end = padded(count + 1)
    if padded(count) == count:
        for a in range(count):
            for b in range(count, end):
                inverse[a, b] = 0.0
    for b in range(end):
        inverse[count, b] = 0.0
    # With -1 for the new atom, all of the new inverse is the old one and an outer product.
    for a in range(count, end):
        work[a] = 0.0
    work[count] = -1.0
    for o in range(0, end, WIDTH):
        add_outer(inverse, count + 1, work, 1.0 / schur, work, o)
    return True


@_jit.inner
def _remove_from_inverse(inverse, count, p, work):
    """Remove atom `p` from the inverse of `count` atoms; the last one takes its place."""
    q = count - 1
    if p != q:
        for a in range(count):
            inverse[a, p], inverse[a, q] = inverse[a, q], inverse[a, p]
        for a in range(count):
            inverse[p, a], inverse[q, a] = inverse[q, a], inverse[p, a]
    for a in range(q):
        work[a] = inverse[a, q]
    scale = -1.0 / inverse[q, q]
    for o in range(0, padded(count), WIDTH):
        add_outer(inverse, q, work, scale, inverse[q], o)
    for a in range(q):
        inverse[a, q] = 0.0


@_jit.inner
def padded(count):
    """The next multiple of `WIDTH`; rows of the inverse hold zeros up to there."""
    return (count + WIDTH - 1) & -WIDTH


@_jit.inner
def enter_support(start, s, task, exact, active_set):
    """Make the support of `start` the active set; returns its size."""
    count = 0
    for j in range(start.shape[0]):
        if start[j] > 0 or (start[j] < 0 and not task.positive):
            count, _ = enter(j, start[j] > 0, start[j], False, s, task, exact, count, active_set)
    return count


@_jit.inner
def enter(j, is_up, value, may_exchange, s, task, exact, count, active_set):
    """Add atom `j` to the active set, if need be in exchange for one that it depends on.

    Returns the size of the active set, and whether the atom is in.
    """
    inverse, active, is_active, target, sign, code, goal, cross, work = active_set
    if is_active[j]:
        return count, False
    is_careful = exact.is_careful
    tolerance = 1e-12 if is_careful else 1e-5
    square = np.float64(task.gram[j, j])
    if is_careful:
        square = dot(exact.atoms[j], exact.atoms[j]) + exact.ridge
    while True:
        _fill_cross(j, task.gram, exact, count, active_set)
        if _append_to_inverse(inverse, count, cross, square, tolerance, work):
            break
        if not may_exchange or not square > 0:
            return count, False
        count, value = _exchange(is_up, count, active_set)
        may_exchange = False
    active[count], is_active[j] = j, 1
    target[count] = dot(exact.samples[s], exact.atoms[j]) if is_careful else task.corr[s, j]
    code[count] = value
    sign[count] = 1.0 if is_up else -1.0
    new = target[count] - task.alpha * sign[count]
    for a in range(count):
        new -= cross[a] * goal[a]
    new *= inverse[count, count]
    for a in range(count):
        goal[a] -= new * work[a]
    goal[count] = new
    return count + 1, True


@_jit.inner
def _fill_cross(j, gram, exact, count, active_set):
    """Fill `cross` with the inner products of atom `j` with the active ones."""
    active, cross = active_set.active, active_set.cross
    if exact.is_careful:
        for a in range(count):
            cross[a] = dot(exact.atoms[j], exact.atoms[active[a]])
    else:
        for a in range(count):
            cross[a] = gram[j, active[a]]


@_jit.inner
def _exchange(is_up, count, active_set):
    """Move along the dependence of a new atom until an active coefficient is 0, and drop that.

    The reconstruction stays, up to the tolerance of dependence; `work` holds the coefficients of
    the new atom in the active ones. Returns the size of the set, and the new coefficient.
    """
    code, work = active_set.code, active_set.work
    up = 1.0 if is_up else -1.0
    length, first = np.inf, -1
    for a in range(count):
        if up * work[a] * code[a] > 0 and code[a] / (up * work[a]) < length:
            length, first = code[a] / (up * work[a]), a
    if first < 0:
        return count, 0.0
    for a in range(count):
        code[a] -= up * length * work[a]
    return _drop(first, count, active_set), up * length


@_jit.inner
def _drop(p, count, active_set):
    """Take atom `p` out of the active set; the last one takes its place."""
    inverse, active, is_active, target, sign, code, goal, _, work = active_set
    share = goal[p] / inverse[p, p]
    for a in range(count):
        goal[a] -= share * inverse[p, a]
    _remove_from_inverse(inverse, count, p, work)
    is_active[active[p]] = 0
    last = count - 1
    active[p], target[p], sign[p] = active[last], target[last], sign[last]
    code[p], goal[p] = code[last], goal[last]
    return count - 1


@_jit.inner
def solve_on_support(count, active_set):
    """Walk to the optimum for the present signs, dropping atoms whose coefficient reaches 0.

    Returns the number of atoms left.
    """
    sign, code, goal = active_set.sign, active_set.code, active_set.goal
    while count > 0:
        walk = 1.0
        for a in range(count):
            if goal[a] * sign[a] <= 0:
                walk = min(walk, code[a] / (code[a] - goal[a]) if code[a] != 0 else 0.0)
        for a in range(count):
            code[a] += walk * (goal[a] - code[a])
        if walk == 1.0:
            break
        before, p = count, count - 1
        while p >= 0:
            if goal[p] * sign[p] <= 0 and code[p] * sign[p] <= 1e-15 * abs(goal[p]):
                count = _drop(p, count, active_set)
            p -= 1
        if count == before:
            # Only where coefficients are no numbers.
            break
    return count


@_jit.inner
def subtract_active(start, rows, active, code, count, out):
    """Fill `out` with ``start - code @ rows[active]``, four rows a pass.

    These are residual correlations if the rows are those of the Gram matrix, the residual if they
    are the atoms.
    """
    n = out.shape[0]
    real = out.dtype.type
    k = count % 4
    if k == 0:
        for j in range(n):
            out[j] = start[j]
    else:
        # Zeros stand in for rows that are not there; the first ones of a pass cost nothing more.
        a1, a2 = min(1, k - 1), min(2, k - 1)
        z0 = real(code[0])
        z1, z2 = real(code[a1] if k > 1 else 0.0), real(code[a2] if k > 2 else 0.0)
        r0, r1, r2 = rows[active[0]], rows[active[a1]], rows[active[a2]]
        if k == 1:
            for j in range(n):
                out[j] = start[j] - z0 * r0[j]
        else:
            for j in range(n):
                out[j] = start[j] - (z0 * r0[j] + z1 * r1[j] + z2 * r2[j])
    while k < count:
        z0, z1, z2, z3 = real(code[k]), real(code[k + 1]), real(code[k + 2]), real(code[k + 3])
        r0, r1 = rows[active[k]], rows[active[k + 1]]
        r2, r3 = rows[active[k + 2]], rows[active[k + 3]]
        for j in range(n):
            out[j] -= z0 * r0[j] + z1 * r1[j] + z2 * r2[j] + z3 * r3[j]
        k += 4
