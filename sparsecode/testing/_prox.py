"""Checks of a prox: better than a dense search, monotone, and a projection for constraints."""

from __future__ import annotations

import numpy as np

from sparsecode.testing._require import naming, raised_by, require


def check_projection(penalty, V, rng):
    """A constraint has no weight, and its prox is the projection on what it allows."""
    require(penalty.scaled(1) == penalty, "scaled(1) gives another constraint")
    with naming("scaled(2) of a constraint"):
        raised_by(ValueError, penalty.scaled, 2.0)
    inside = penalty.prox(V)
    require((penalty.value(inside) == 0).all(), "prox is not feasible")
    require(np.array_equal(penalty.prox(inside), inside), "prox of a feasible row moves it")
    require(np.array_equal(penalty.prox(V, 0.1), inside), "prox of a constraint uses the step")
    distance = ((inside - V) ** 2).sum(axis=1)
    for _ in range(20):
        other = penalty.prox(V * rng.uniform(size=V.shape))
        for row in (other, np.where(other != 0, V, 0)):
            closer = ((row - V) ** 2).sum(axis=1) < distance * (1 - 1e-12)
            closer &= penalty.value(row) == 0
            require(not closer.any(), "prox is not the closest feasible row")


def prox_cost(penalty, U, V, step):
    """Objective of the prox, of each row, in float64."""
    U, V = np.asarray(U, dtype=np.float64), np.asarray(V, dtype=np.float64)
    return ((U - V) ** 2).sum(axis=1) / 2 + step * penalty.value(U)


def _on_axis(values, j, n_components):
    rows = np.zeros((len(values), n_components))
    rows[:, j] = values
    return rows


def check_prox_on_axes(penalty, span, step, n_components):
    grid = np.concatenate([np.linspace(0, span, 1501), np.geomspace(1e-8, 1e-2, 60) * span])
    grid = np.concatenate([-grid, grid])
    for j in range(n_components):
        values = np.concatenate(
            [np.linspace(-span, span, 41), _near_thresholds(penalty, span, step, j, n_components)]
        )
        V = _on_axis(values, j, n_components)
        cost = prox_cost(penalty, penalty.prox(V, step), V, step)
        g = penalty.value(_on_axis(grid, j, n_components))
        best = ((grid - values[:, None]) ** 2 / 2 + step * g).min(axis=1)
        worse = cost - best
        i = worse.argmax()
        require(
            worse[i] <= 1e-10 * (1 + best[i]),
            f"of {values[i]:.6g} in column {j} has objective {cost[i]:.6g}; a grid search finds "
            f"{best[i]:.6g}",
        )


def _near_thresholds(penalty, span, step, j, n_components):
    """Values close to both sides of the largest input that the prox sends to 0."""
    near = []
    for sign in (1, -1):
        low, high = 0.0, span
        for _ in range(60):
            middle = (low + high) / 2
            moved = penalty.prox(_on_axis([sign * middle], j, n_components), step)
            low, high = (middle, high) if moved[0, j] == 0 else (low, middle)
        near += [sign * low * (1 + shift) for shift in (-1e-3, -1e-9, 0, 1e-9, 1e-3)]
    return near


def check_prox_of_rows(penalty, V, step, rng):
    U = penalty.prox(V, step)
    cost = prox_cost(penalty, U, V, step)
    candidates = [V, np.zeros_like(V), np.maximum(V, 0), U * (rng.uniform(size=U.shape) < 0.5)]
    candidates += [U + size * rng.standard_normal(U.shape) for size in (1e-4, 1e-2, 1.0)]
    # Of a constraint nothing else may be feasible.
    candidates += [penalty.prox(candidate, step) for candidate in candidates]
    for candidate in candidates:
        better = prox_cost(penalty, candidate, V, step) < cost - 1e-10 * (1 + cost)
        require(not better.any(), "is not the minimiser: another row has a lower objective")


def check_monotone(penalty, V, step, rng):
    W = V[rng.permutation(len(V))] + 0.01 * rng.standard_normal(V.shape)
    moved = penalty.prox(V, step) - penalty.prox(W, step)
    along = np.einsum("ij,ij->i", moved, V - W)
    require((along >= -1e-9).all(), "is not monotone")
    if penalty.convex:
        longer = np.linalg.norm(moved, axis=1) - np.linalg.norm(V - W, axis=1)
        require((longer <= 1e-9).all(), "moves two points apart, which no convex penalty does")
