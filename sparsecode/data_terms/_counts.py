"""Coordinate descent for counts: every coefficient at its minimum given the others, in turn."""

from __future__ import annotations

import numpy as np

from sparsecode import _jit
from sparsecode._interrupts import halt_flag, halt_if_told, is_halted

# Sweeps between two looks at the gap, and most steps of Newton's method for a coefficient.
_PERIOD, _MOST_STEPS = 5, 40
# Relative size of a rest that is rounding, and of a step that ends Newton's method.
_ROUNDING, _SMALL = 1e-14, 1e-10


def solve(problem, X, observed, tol, max_iter):
    """Codes and number of sweeps of a block of samples."""
    total = X.sum(axis=1, keepdims=True)
    codes = np.repeat(total / max(problem.atoms.sum(), 1e-300), len(problem.atoms), axis=1)
    n_iter = np.zeros(len(X), dtype=np.int64)
    slopes = problem.allowed(observed)
    _count_rows(X, problem.atoms, slopes, codes, n_iter, tol, max_iter, halt_flag())
    halt_if_told()
    return codes, n_iter


@_jit.kernel
def _count_rows(X, atoms, slopes, codes, n_iter, tol, max_iter, halt):
    n_components, n_features = atoms.shape
    fit, rest = np.empty(n_features), np.empty(n_features)
    for s in range(X.shape[0]):
        x, code, total = X[s], codes[s], 0.0
        for f in range(n_features):
            total += x[f]
        t = 0
        while total > 0 and t < max_iter and not is_halted(halt):
            if t % _PERIOD == 0:
                _reconstruct(code, atoms, fit)
                gap = _gap(x, code, atoms, slopes[s], fit, total)
                if tol > 0 and gap <= tol * total:
                    break
            moved = 0.0
            for j in range(n_components):
                change = _minimise(x, atoms[j], slopes[s, j], code, j, fit, rest)
                moved = max(moved, change)
            t += 1
            if moved <= _ROUNDING:
                break
        n_iter[s] = t


@_jit.inner
def _reconstruct(code, atoms, fit):
    for f in range(fit.shape[0]):
        fit[f] = 0.0
    for j in range(code.shape[0]):
        if code[j] != 0:
            for f in range(fit.shape[0]):
                fit[f] += code[j] * atoms[j, f]


@_jit.inner
def _gap(x, code, atoms, slopes, fit, total):
    """Duality gap; the dual point are the ratios of counts and fit, times a number."""
    above, largest = -total, 0.0
    for j in range(code.shape[0]):
        gain = 0.0
        for f in range(x.shape[0]):
            if x[f] > 0:
                gain += x[f] * atoms[j, f] / fit[f]
        if gain > 0:
            largest = max(largest, gain / slopes[j])
        # `slopes` are the weights and the sums of the atoms over observed features.
        if code[j] != 0:
            above += code[j] * slopes[j]
    return above + np.log(largest) * total if largest > 0 else np.inf


@_jit.inner
def _minimise(x, atom, slope, code, j, fit, rest):
    """Set a coefficient to its minimum; `fit` follows. Returns the relative change.

    The derivative is concave, so that Newton's method is on the left of the root after one step,
    and from there on never beyond it.
    """
    old, gain = code[j], 0.0
    for f in range(x.shape[0]):
        left = fit[f] - old * atom[f]
        rest[f] = left if left > _ROUNDING * fit[f] else 0.0
        if x[f] > 0 and atom[f] > 0:
            gain += x[f] * atom[f] / rest[f] if rest[f] > 0 else np.inf
    new = 0.0
    if gain > slope:
        new = old
        for _ in range(_MOST_STEPS):
            gain, bend = 0.0, 0.0
            for f in range(x.shape[0]):
                if x[f] > 0 and atom[f] > 0:
                    share = atom[f] / (rest[f] + new * atom[f])
                    gain += x[f] * share
                    bend += x[f] * share * share
            step = (gain - slope) / bend
            last = new
            new = max(new + step, 0.1 * new)
            if abs(new - last) <= _SMALL * new:
                break
    code[j] = new
    for f in range(x.shape[0]):
        fit[f] = rest[f] + new * atom[f]
    return abs(new - old) / max(new, old) if new != old else 0.0
