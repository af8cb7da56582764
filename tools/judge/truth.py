"""Objectives, duality gaps and residuals in extended precision, by formulas of their own.

Nothing here is shared with the package: penalties are read as their parameters, and every formula
is written anew from its definition, so that an error in one place does not hide one in the other.
Where `numpy.longdouble` is a double (Windows, some ARM machines) the judge is no more exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Real = np.longdouble
# Atoms whose part outside the span of others is smaller than this share of them lie in that span.
RANK = Real(1e-15)
# Two minima of a prox whose costs differ by less than this share are both right.
TIE = Real(1e-9)


@dataclass
class Verdict:
    """Facts of one code: `gap` and `residual` are relative, None where they are not known."""

    objective: float
    gap: float | None
    residual: float | None


def judge(x, code, atoms, penalty, lipschitz):
    """Judge the code of one sample less its offset; missing entries were taken out before."""
    x, code, atoms = (np.asarray(array, dtype=Real) for array in (x, code, atoms))
    if type(penalty).__name__ == "Simplex":
        # The sum of a code is rounded: shares are of points around their centre.
        centre = atoms.mean(axis=0)
        x, atoms = x - Real(penalty.radius) * centre, atoms - centre
    r = x - code @ atoms
    value = objective(r, code, penalty)
    half_squared_norm, largest = r.dtype.type(x @ x) / 2, np.abs(atoms @ x).max(initial=0)
    name = type(penalty).__name__
    gap = residual = None
    if name == "Simplex":
        gap = _ratio(_shares_gap(r, code, atoms, penalty, value), half_squared_norm)
        return Verdict(float(value), float(gap), None)
    if name in ("L1", "ElasticNet", "GroupL1"):
        gap = _gap(x, r, code, atoms, penalty, value)
        gap = None if gap is None else float(_ratio(gap, half_squared_norm))
    elif name != "KSparse":
        residual = float(_ratio(_stationarity(r, code, atoms, penalty, Real(lipschitz)), largest))
    return Verdict(float(value), gap, residual)


def objective(r, code, penalty):
    """Value of the problem from the residual `r` of a code."""
    return r @ r / 2 + _value(code, penalty)


def _ratio(value, unit):
    if value == 0:
        return Real(0)
    return value / unit if unit > 0 else Real(np.inf)


def _weights(penalty, n):
    """Thresholds of the atoms and the ridge of an l1 penalty or an elastic net."""
    alpha = Real(penalty.alpha)
    if type(penalty).__name__ == "ElasticNet":
        ratio = Real(penalty.l1_ratio)
        return np.full(n, alpha * ratio), alpha * (1 - ratio)
    if penalty.weights is None:
        return np.full(n, alpha), Real(0)
    weights = np.asarray(penalty.weights, dtype=Real)
    forbidden = np.isinf(weights)
    return np.where(forbidden, np.inf, alpha * np.where(forbidden, 0, weights)), Real(0)


def _groups(penalty, n):
    """Members and threshold of each group."""
    labels = np.arange(n) // int(penalty.groups) if np.ndim(penalty.groups) == 0 else penalty.groups
    members = [np.flatnonzero(np.asarray(labels) == k) for k in range(int(np.max(labels)) + 1)]
    sizes = np.array([len(group) for group in members], dtype=Real)
    weights = np.sqrt(sizes) if penalty.weights is None else np.asarray(penalty.weights, dtype=Real)
    return members, Real(penalty.alpha) * weights


def _value(code, penalty):
    name, size = type(penalty).__name__, np.abs(code)
    if name == "KSparse":
        return Real(0)
    if name == "Simplex":
        radius = Real(penalty.radius)
        allowed = code.min() >= 0 and abs(code.sum() - radius) <= 1e-6 * radius
        return Real(0 if allowed else np.inf)
    alpha = Real(penalty.alpha)
    if name in ("L1", "ElasticNet"):
        if penalty.positive and (code < 0).any():
            return Real(np.inf)
        thresholds, ridge = _weights(penalty, len(code))
        used = size > 0
        return (thresholds[used] * size[used]).sum() + ridge * (size @ size) / 2
    if name == "GroupL1":
        members, thresholds = _groups(penalty, len(code))
        norms = [np.sqrt((code[group] ** 2).sum()) for group in members]
        return sum((t * v for t, v in zip(thresholds, norms, strict=True)), Real(0))
    return alpha * sum((_phi(z, penalty) for z in size), Real(0))


def _phi(size, penalty):
    """Penalty of one coefficient of magnitude `size`, without its weight."""
    name = type(penalty).__name__
    if name == "L0":
        return Real(size > 0)
    if name == "MCP":
        t = min(size, Real(penalty.knot))
        return t - t * t / (2 * Real(penalty.knot))
    if name == "SCAD":
        knot, low = Real(penalty.knot), Real(penalty.knot) / Real(penalty.a)
        if size <= low:
            return size
        t = min(size, knot)
        return low + ((knot - low) ** 2 - (knot - t) ** 2) / (2 * (knot - low))
    if name == "LogSum":
        return np.log1p(size / Real(penalty.epsilon))
    if name == "Cauchy":
        return np.log1p((size / Real(penalty.sigma)) ** 2)
    if name == "Tanh":
        return np.tanh(Real(penalty.scale) * size)
    raise TypeError(f"penalty is {penalty!r}; expected one of the package. Add its formula here.")


def _gap(x, r, code, atoms, penalty, primal):
    """Smallest duality gap over a few dual points; None where none of them is easily made."""
    if not np.isfinite(primal):
        return Real(np.inf)
    if type(penalty).__name__ == "GroupL1":
        members, thresholds = _groups(penalty, len(code))
        free = np.zeros(len(code), dtype=bool)
        for group, threshold in zip(members, thresholds, strict=True):
            free[group] = threshold == 0
        u = without(r, atoms[free])
        c = atoms @ u
        norms = np.array([np.sqrt((c[group] ** 2).sum()) for group in members])
        used = thresholds > 0
        scale = _scale(norms[used], thresholds[used])
        return primal - _dual(x, scale * u)
    thresholds, ridge = _weights(penalty, len(code))
    free = thresholds == 0
    if ridge > 0:
        return min(
            _ridge_gap(x, r, atoms, penalty, thresholds, ridge, primal),
            _augmented_gap(x, r, code, atoms, penalty, thresholds, ridge, primal),
        )
    if free.any() and penalty.positive:
        return None
    u = without(r, atoms[free])
    c = atoms @ u
    size = np.maximum(c, 0) if penalty.positive else np.abs(c)
    scale = _scale(size[~free], thresholds[~free])
    return primal - _dual(x, scale * u)


def _shares_gap(r, code, atoms, penalty, primal):
    """Gap of Frank and Wolfe."""
    if not np.isfinite(primal):
        return Real(np.inf)
    c = atoms @ r
    return max(Real(penalty.radius) * c.max() - code @ c, Real(0))


def _ridge_gap(x, u, atoms, penalty, thresholds, ridge, primal):
    c = atoms @ u
    size = c if penalty.positive else np.abs(c)
    conjugate = (np.maximum(size - thresholds, 0) ** 2).sum() / (2 * ridge)
    return primal - (_dual(x, u) - conjugate)


def _augmented_gap(x, r, code, atoms, penalty, thresholds, ridge, primal):
    """As the lasso on atoms with one more feature each, of size ``sqrt(ridge)``."""
    if (thresholds == 0).any():
        return Real(np.inf)
    c = atoms @ r - ridge * code
    size = np.maximum(c, 0) if penalty.positive else np.abs(c)
    scale = _scale(size, thresholds)
    u = scale * r
    extra = scale * scale * ridge * (code @ code) / 2
    exact = _ridge_gap(x, u, atoms, penalty, thresholds, ridge, primal)
    return min(exact, primal - (_dual(x, u) - extra))


def _dual(x, u):
    return x @ u - u @ u / 2


def _scale(sizes, thresholds):
    used = sizes > thresholds
    return (thresholds[used] / sizes[used]).min(initial=Real(1))


def without(r, rows):
    """Return `r` less its part in the span of `rows`, by Gram and Schmidt with pivots, twice."""
    left = [row / np.sqrt(row @ row) for row in rows if (row != 0).any()]
    basis = []
    while left:
        sizes = [np.sqrt(row @ row) for row in left]
        best = int(np.argmax(sizes))
        if not sizes[best] > RANK * len(r):
            break
        q = left.pop(best) / sizes[best]
        for _ in range(2):
            for p in basis:
                q = q - (q @ p) * p
        q = q / np.sqrt(q @ q)
        basis.append(q)
        left = [row - (row @ q) * q for row in left]
    for _ in range(2):
        for q in basis:
            r = r - (r @ q) * q
    return r


def _stationarity(r, code, atoms, penalty, lipschitz):
    step = 1 / lipschitz if lipschitz > 0 else Real(1)
    points = code + step * (atoms @ r)
    moves = [
        _distance_to_prox(z, v, Real(penalty.alpha) * step, penalty)
        for z, v in zip(code, points, strict=True)
    ]
    return lipschitz * max(moves, default=Real(0))


def _distance_to_prox(z, v, t, penalty):
    """Distance of `z` to the nearest minimiser over u of ``(u - v)^2 / 2 + t phi(|u|)``."""
    sign, v = (-1 if v < 0 else 1), abs(v)
    found = np.array([u for u in _candidates(v, t, penalty) if u >= 0])
    costs = np.array([(u - v) ** 2 / 2 + t * _phi(u, penalty) for u in found])
    least = costs.min()
    good = found[costs <= least + TIE * max(least, v * v / 2)]
    away = np.abs(sign * z - good).min()
    # On either side of 0 a minimiser may be where v itself is 0.
    return min(away, np.abs(z - good).min()) if v == 0 else away


def _candidates(v, t, penalty):
    """Points that include every minimiser: 0, kinks, and the stationary points."""
    name = type(penalty).__name__
    yield Real(0)
    yield v
    if name == "MCP":
        knot = Real(penalty.knot)
        if t < knot:
            yield (v - t) / (1 - t / knot)
    elif name == "SCAD":
        knot, low = Real(penalty.knot), Real(penalty.knot) / Real(penalty.a)
        yield v - t
        if t != knot - low:
            yield ((knot - low) * v - t * knot) / (knot - low - t)
    elif name == "LogSum":
        epsilon = Real(penalty.epsilon)
        half = (v - epsilon) / 2
        square = half * half + v * epsilon - t
        if square >= 0:
            yield half + np.sqrt(square)
            # The same root without cancellation.
            below = half - np.sqrt(square)
            if below != 0:
                yield (t - v * epsilon) / below
    elif name in ("Cauchy", "Tanh"):
        yield from _roots(v, t, penalty)


def _slope(u, penalty):
    if type(penalty).__name__ == "Cauchy":
        sigma = Real(penalty.sigma)
        return 2 * u / (sigma * sigma + u * u)
    scale = Real(penalty.scale)
    decay = np.exp(-2 * scale * u)
    return 4 * scale * decay / (1 + decay) ** 2


def _roots(v, t, penalty):
    """Zeros of ``u - v + t phi'(u)`` on [0, v], by sign changes on a grid and bisection."""
    if v == 0:
        return
    unit = penalty.sigma if type(penalty).__name__ == "Cauchy" else 1 / penalty.scale
    unit = min(Real(unit), v)
    grid = np.unique(
        np.concatenate(
            [
                np.linspace(0, 1, 129).astype(Real) * v,
                np.linspace(0, 8, 129).astype(Real) * unit,
                v - np.linspace(0, 1, 33).astype(Real) * min(unit, v),
            ]
        ).clip(0, v)
    )
    slopes = grid - v + t * _slope(grid, penalty)
    for a, b, fa, fb in zip(grid, grid[1:], slopes, slopes[1:], strict=False):
        if fa == 0:
            yield a
        if fb == 0:
            yield b
        if fa * fb < 0:
            yield _bisect(a, b, fa, v, t, penalty)


def _bisect(a, b, fa, v, t, penalty):
    for _ in range(80):
        middle = (a + b) / 2
        f = middle - v + t * _slope(middle, penalty)
        if (f < 0) == (fa < 0):
            a = middle
        else:
            b = middle
    return (a + b) / 2
