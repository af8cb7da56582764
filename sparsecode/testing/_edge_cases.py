"""Degenerate problems that every solver must survive; part of `check_solver`."""

from __future__ import annotations

import numpy as np

from sparsecode.objective import alpha_max
from sparsecode.testing._require import naming, require

_FURTHER = {"tol": 0.0, "max_iter": 12}


def check_few_rows(case):
    """One sample; a sample of 0."""
    one = case.solve(case.X[:1])
    require(one.codes.shape == (1, case.dictionary.n_components), "one sample: wrong shape")
    case.require_solved(one, 1e-6, "one sample")
    X = case.X.copy()
    X[0] = 0
    result = case.solve(X)
    case.require_solved(result, 1e-6, "a sample of 0")
    if _is_least_at_zero(case):
        require((result.codes[0] == 0).all(), "the code of a sample of 0 is not 0")


def check_degenerate_atoms(case):
    """Repeated, opposite and zero atoms, and nothing but zero atoms."""
    atoms = case.dictionary.atoms
    problems = {
        "a repeated atom": np.concatenate([atoms, atoms[:1]]),
        "an opposite atom": np.concatenate([atoms, -atoms[:1]]),
        "a zero atom": np.concatenate([0 * atoms[:1], atoms]),
        "nothing but zero atoms": 0 * atoms,
    }
    for name, degenerate in problems.items():
        for dtype, tol in case.dtypes:
            with naming(f"{name}, {np.dtype(dtype)}"):
                result = case.solve(case.X.astype(dtype), degenerate.astype(dtype), tol=tol)
                case.require_solved(result, tol, "result")
                zero = (degenerate == 0).all(axis=1) & _is_least_at_zero(case)
                require((result.codes[:, zero] == 0).all(), "the code of a zero atom is not 0")
                further = case.solve(case.X.astype(dtype), degenerate.astype(dtype), **_FURTHER)
                require(np.isfinite(further.codes).all(), "not finite after more iterations")


def _is_least_at_zero(case):
    """Whether a code of 0 is allowed, and so that of samples and atoms of 0."""
    return case.penalty.origin(case.dictionary.n_components) == 0


def check_no_penalty(case):
    """alpha = 0: least squares."""
    if not case.penalty.weighted:
        return
    free = case.penalty.scaled(0.0)
    result = case.solve(penalty=free, tol=1e-4)
    require(result.converged.all(), "alpha=0: not converged")
    worst = result.certificate.relative_residual.max()
    require(worst <= 2e-4, f"alpha=0: stationarity residual {worst:.1e}")


def check_largest_weight(case):
    """Around `alpha_max`, where it exists: above it every code is 0, below it not all are."""
    try:
        limit = alpha_max(case.X, case.dictionary, case.penalty)
    except TypeError:
        return
    above = case.penalty.scaled(1.001 * limit / case.penalty.alpha)
    result = case.solve(penalty=above)
    require((result.codes == 0).all(), "a code is not 0 above alpha_max")
    below = case.penalty.scaled(0.9 * limit / case.penalty.alpha)
    require((case.solve(penalty=below).codes != 0).any(), "every code is 0 below alpha_max")


CHECKS = (check_few_rows, check_degenerate_atoms, check_no_penalty, check_largest_weight)
