"""Kernels on the active set of one sample: its atoms, their inverse Gram matrix, its optimum.

The set holds `count` atoms; row and column `a` of the inverse belong to atom ``active[a]``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._simd import WIDTH, add_scaled, padded_dot
from sparsecode.solvers._kernels.rows import dot
from sparsecode.solvers.feature_sign.inverse import (
    Inverse,
    append,
    make_inverse,
    multiply,
    pad,
    remove,
)


class ActiveSet(NamedTuple):
    """Arrays with an entry an active atom, but for `is_active`, and space to spare for padding."""

    inverse: Inverse
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


@_jit.outlined_with_arrays
def make_active_set(n_components, most):
    """An empty active set for `n_components` atoms, of which `most` are ever active at a time."""
    size = most + WIDTH
    return ActiveSet(
        make_inverse(most),
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
def enter_support(start, s, task, exact, active_set):
    """Make the support of `start` the active set; returns its size."""
    count = 0
    for j in range(start.shape[0]):
        if start[j] > 0 or (start[j] < 0 and not task.positive):
            count, _ = enter(j, start[j] > 0, start[j], False, s, task, exact, count, active_set)
    return count


@_jit.outlined
def enter(j, is_up, value, may_exchange, s, task, exact, count, active_set):
    """Add atom `j` to the active set, if need be in exchange for one that it depends on.

    Returns the size of the active set, and whether the atom is in.
    """
    inverse, active, is_active, target, sign, code, goal, cross, work = active_set
    if is_active[j]:
        return count, False
    is_careful = exact.is_careful
    most, tolerance = active.shape[0] - WIDTH, 1e-12 if is_careful else 1e-5
    square = np.float64(task.gram[j, j])
    if is_careful:
        square = dot(exact.atoms[j], exact.atoms[j]) + exact.ridge
    while True:
        _fill_cross(j, task.gram, exact, count, active_set)
        last = append(inverse, count, most, cross, square, tolerance, work)
        if last > 0:
            break
        if not may_exchange or not square > 0:
            return count, False
        count, value = _exchange(is_up, count, active_set)
        may_exchange = False
    if count % WIDTH == 0:
        for a in range(count, count + WIDTH):
            goal[a] = 0.0
    active[count], is_active[j] = j, 1
    target[count] = dot(exact.samples[s], exact.atoms[j]) if is_careful else task.corr[s, j]
    code[count] = value
    sign[count] = 1.0 if is_up else -1.0
    new = (target[count] - task.alpha * sign[count] - padded_dot(cross, goal, count)) * last
    add_scaled(-new, work, count, goal)
    goal[count] = new
    return count + 1, True


@_jit.outlined
def set_up_again(s, task, exact, count, active_set):
    """Enter the active atoms anew, so that their inverse has no more terms than it needs.

    Returns the size of the set.
    """
    active, sign, code = active_set.active, active_set.sign, active_set.code
    empty(count, active_set)
    kept = 0
    for a in range(count):
        kept, _ = enter(active[a], sign[a] > 0, code[a], False, s, task, exact, kept, active_set)
    return kept


@_jit.inner
def empty(count, active_set):
    """Take all atoms out of the active set, which leaves the arrays of the atoms as they are."""
    for a in range(count):
        active_set.is_active[active_set.active[a]] = 0
    active_set.inverse.n_terms[0] = 0


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
    pad(cross, count)


@_jit.outlined
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


@_jit.outlined
def _drop(p, count, active_set):
    """Take atom `p` out of the active set; the last one takes its place."""
    inverse, active, is_active, target, sign, code, goal, cross, work = active_set
    for a in range(count):
        cross[a] = a == p
    pad(cross, count)
    multiply(inverse, count, cross, work)
    add_scaled(-goal[p] / work[p], work, count, goal)
    remove(inverse, count, p, work)
    is_active[active[p]] = 0
    last = count - 1
    active[p], target[p], sign[p] = active[last], target[last], sign[last]
    code[p], goal[p] = code[last], goal[last]
    goal[last] = 0.0
    return last


@_jit.outlined
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
