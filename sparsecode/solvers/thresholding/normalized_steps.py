"""Kernels of hard thresholding, with gradient steps of normalised length."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike

from sparsecode import _jit
from sparsecode._interrupts import is_halted
from sparsecode.solvers._kernels.gram_domain import inner_product, residual_correlations
from sparsecode.solvers._kernels.rows import copy_row


class Workspace(NamedTuple):
    """Arrays to work in: rows with an entry an atom, and the factor of a Gram block."""

    move: np.ndarray
    point: np.ndarray
    residual: np.ndarray
    support: np.ndarray
    kept: np.ndarray
    is_in: np.ndarray
    factor: np.ndarray
    target: np.ndarray

    @classmethod
    def of(cls, n_components: int, most: float, dtype: DTypeLike) -> Self:
        """Arrays for codes of `most` nonzeros; `is_in` holds zeros."""
        return cls(
            *np.empty((3, n_components), dtype=dtype),
            *np.empty((2, n_components), dtype=np.int64),
            np.zeros(n_components, dtype=np.uint8),
            np.empty((most, most)),
            np.empty(most),
        )


@_jit.kernel
def threshold_rows(task, counts, rule, projects, dependent, answer, workspace, halt):
    """Fill in codes of so many nonzeros, least squares on their supports if `projects`."""
    corr, half_squared_norm, gram = task
    codes, n_iter, stop, history, _ = answer
    tol, max_iter = rule.tol, rule.max_iter
    move, residual, support, kept = (
        workspace.move, workspace.residual, workspace.support, workspace.kept
    )  # fmt: skip
    record = history.shape[2] > 0
    for s in range(codes.shape[0]):
        code, unit = codes[s], _largest(corr[s])
        if unit == 0:
            # No code is better than 0, wherever it starts.
            code[:] = 0
        _make_feasible(code, counts[s], workspace)
        if projects:
            count = _support_of(code, kept)
            _least_squares(gram, corr[s], count, dependent, workspace, code)
        t = 0
        while not is_halted(halt):
            residual_correlations(corr[s], code, gram, kept, residual)
            if t == 0 and _dot(code, corr[s], residual) < 0:
                # A start that is worse than 0.
                code[:] = 0
                copy_row(corr[s], residual)
            total, rise = _normalized_step(code, gram, counts[s], projects, workspace)
            stop[s] = rise / unit if unit > 0 else 0.0
            if projects and _repeats(code, move, support, total):
                stop[s] = 0.0
            if record:
                history[s, 0, t:] = half_squared_norm[s] - 0.5 * _dot(code, corr[s], residual)
                history[s, 1, t:] = stop[s]
            is_done = stop[s] <= tol and (tol > 0 or projects)
            if is_done or t == max_iter:
                break
            for a in range(total):
                code[support[a]] += move[support[a]]
            if projects:
                count = _support_of(code, kept)
                _least_squares(gram, corr[s], count, dependent, workspace, code)
            t += 1
        n_iter[s] = t


@_jit.inner
def _largest(values):
    largest = 0.0
    for j in range(values.shape[0]):
        largest = max(largest, abs(values[j]))
    return largest


@_jit.inner
def _dot(code, corr, residual):
    """Twice what a code takes from the objective."""
    total = 0.0
    for j in range(code.shape[0]):
        total += code[j] * (corr[j] + residual[j])
    return total


@_jit.inner
def _support_of(code, kept):
    count = 0
    for j in range(code.shape[0]):
        if code[j] != 0:
            kept[count] = j
            count += 1
    return count


@_jit.inner_with_arrays
def _make_feasible(code, most, workspace):
    """Keep the largest coefficients of a start."""
    kept, point = workspace.kept, workspace.point
    count = _support_of(code, kept)
    if count > most:
        copy_row(code, point)
        count = _keep_largest(point, most, kept)
        code[:] = 0
        for a in range(count):
            code[kept[a]] = point[kept[a]]


@_jit.inner
def _repeats(code, move, support, total):
    """Return whether a move leaves the support of a code as it is."""
    for a in range(total):
        j = support[a]
        if (code[j] != 0) != (code[j] + move[j] != 0):
            return False
    return True


@_jit.inner
def _keep_largest(values, most, kept):
    """Fill `kept` with the indices of the `most` largest magnitudes that are not 0; count them.

    In order of magnitude; of equal ones the first is kept.
    """
    count = 0
    for j in range(values.shape[0]):
        size = abs(values[j])
        if size > 0 and (count < most or size > abs(values[kept[most - 1]])):
            a = min(count, most - 1)
            while a > 0 and abs(values[kept[a - 1]]) < size:
                kept[a] = kept[a - 1]
                a -= 1
            kept[a] = j
            count = min(count + 1, most)
    return count


@_jit.inner
def _normalized_step(code, gram, most, projects, workspace):
    """Gradient step of normalised length and hard thresholding, as a move of few coefficients.

    The length is that of the minimum along the gradient on the support or, for codes that are
    least squares and have none there, along its largest entries. Where the support changes, it is
    halved until the objective cannot increase. Fills `workspace`: the moves ``move[support[a]]``
    of a number of coefficients, which is returned, with the largest of them divided by the length,
    in the unit of a gradient.
    """
    move, support, kept = workspace.move, workspace.support, workspace.kept
    residual, point, is_in = workspace.residual, workspace.point, workspace.is_in
    used = _working_set(code, residual, most, point, support, is_in)
    if projects:
        step = _exact_length(residual, gram, kept, _keep_largest(residual, most, kept))
    else:
        step = _exact_length(residual, gram, support, used)
    if step == np.inf:
        step = 0.0
    for _ in range(100):
        for j in range(code.shape[0]):
            point[j] = code[j] + step * residual[j]
        count = _keep_largest(point, most, kept)
        for a in range(used):
            move[support[a]] = -code[support[a]]
        total = used
        for a in range(count):
            j = kept[a]
            move[j] = point[j] - code[j]
            if is_in[j] == 0:
                support[total] = j
                total += 1
        if (total == used and not projects) or step <= 0.99 * _exact_length(
            move, gram, support, total
        ):
            break
        step *= 0.5
    largest = 0.0
    for a in range(total):
        largest = max(largest, abs(move[support[a]]))
    for a in range(used):
        is_in[support[a]] = 0
    return total, largest / step if step > 0 else 0.0


@_jit.inner
def _working_set(code, residual, most, work, support, is_in):
    """Support of the code, filled up with the atoms of largest residual correlation."""
    used = 0
    for j in range(code.shape[0]):
        work[j] = residual[j]
        if code[j] != 0:
            support[used], is_in[j], work[j] = j, 1, 0
            used += 1
    if used < most:
        added = _keep_largest(work, most - used, support[used:])
        for a in range(used, used + added):
            is_in[support[a]] = 1
        used += added
    return used


@_jit.inner
def _exact_length(direction, gram, support, used):
    """``||d||^2 / ||d @ atoms||^2`` of a direction on a support; infinite where that is 0 / 0."""
    size, curvature = 0.0, 0.0
    if gram.shape[0] < direction.shape[0]:
        for a in range(used):
            size += np.float64(direction[support[a]]) * direction[support[a]]
        return _ratio_of(size, _curvature_by_products(direction, gram, support, used))
    for a in range(used):
        row, d = gram[support[a]], np.float64(direction[support[a]])
        size += d * d
        for b in range(used):
            curvature += d * row[support[b]] * direction[support[b]]
    return _ratio_of(size, curvature)


@_jit.inner
def _ratio_of(size, curvature):
    return size / curvature if curvature > 0 else np.inf


@_jit.inner
def _curvature_by_products(direction, columns, support, used):
    """``||d @ atoms||^2`` of a direction on a support; `columns` is ``atoms.T``."""
    curvature = 0.0
    for f in range(columns.shape[0]):
        total = 0.0
        for a in range(used):
            total += np.float64(direction[support[a]]) * columns[f, support[a]]
        curvature += total * total
    return curvature


@_jit.inner
def _least_squares(gram, corr, count, dependent, workspace, code):
    """Best coefficients on a support, in place; 0 for atoms that depend on others of it."""
    kept, factor, target = workspace.kept, workspace.factor, workspace.target
    used = 0
    for a in range(count):
        j = kept[a]
        code[j] = 0
        square, y = inner_product(gram, code.shape[0], j, j), np.float64(corr[j])
        left = square
        for b in range(used):
            total = inner_product(gram, code.shape[0], j, kept[b])
            for i in range(b):
                total -= factor[used, i] * factor[b, i]
            total /= factor[b, b]
            factor[used, b] = total
            left -= total * total
            y -= total * target[b]
        if left > dependent * square:
            factor[used, used] = np.sqrt(left)
            target[used], kept[used] = y / factor[used, used], j
            used += 1
    for a in range(used - 1, -1, -1):
        for b in range(a + 1, used):
            target[a] -= factor[b, a] * target[b]
        target[a] /= factor[a, a]
        code[kept[a]] = target[a]
