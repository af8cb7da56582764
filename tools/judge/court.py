"""The case against a solver: what it returned for a task, held against extended precision."""

from __future__ import annotations

import numpy as np
from truth import Real, judge, objective

from sparsecode import Dictionary, certify
from sparsecode.constraints import Free
from sparsecode.penalties import KSparse, Simplex

# A claim may be wrong by rounding: by this share of tol, and of the unit of the measure.
SHARE, ROUNDING = 1e-3, {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-12}
# By how much of half the squared norm a code may be above its start or 0.
ABOVE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-7}


def faults_of(task):
    """Faults of a task as pairs of a kind and a detail, and the number of claims."""
    dictionary = Dictionary(task.atoms, offset=task.offset, constraint=Free())
    try:
        result = task.solver.solve(
            task.X, dictionary, task.penalty, codes=task.codes, missing=task.missing, n_jobs=1
        )
        certificate = certify(
            task.X, result.codes, dictionary, task.penalty, missing=task.missing, n_jobs=1
        )
    except Exception as error:
        return [("exception", f"{type(error).__name__}: {error}")], 0
    if not np.isfinite(result.codes).all():
        return [("codes are not finite", "")], int(result.converged.sum())
    faults = []
    for s in range(len(task.X)):
        faults += _of_sample(task, dictionary, result, certificate, s)
    return faults, int(result.converged.sum())


def _of_sample(task, dictionary, result, certificate, s):
    x, atoms = _observed(task, s)
    code = result.codes[s]
    lipschitz = dictionary.lipschitz
    if task.missing and not np.isnan(task.X[s]).all():
        lipschitz = dictionary.select_features(~np.isnan(task.X[s])).lipschitz
    verdict = judge(x, code, atoms, task.penalty, lipschitz)
    half_squared_norm = float(x @ x) / 2
    yield from _of_certificate(task, certificate, verdict, half_squared_norm, s)
    yield from _of_descent(task, x, atoms, verdict, half_squared_norm, s)
    if result.converged[s] and result.tol > 0:
        yield from _of_claim(task, x, atoms, code, verdict, s, result.tol)


def _observed(task, s):
    """Sample less the offset, and the atoms, on the features that are there, exactly."""
    x, atoms = task.X[s].astype(Real), task.atoms.astype(Real)
    if task.offset is not None:
        x = x - task.offset.astype(Real)
    seen = ~np.isnan(x)
    return x[seen], atoms[:, seen]


def _of_certificate(task, certificate, verdict, half_squared_norm, s):
    if isinstance(task.penalty, KSparse):
        return
    unit = max(half_squared_norm, abs(verdict.objective))
    if not abs(certificate.objective[s] - verdict.objective) <= 1e-9 * unit:
        yield "certify: objective", f"{certificate.objective[s]!r} for {verdict.objective!r}"
    if certificate.gap is None or verdict.gap is None:
        return
    # The judge's own dual point may be worse or better than the package's; a claim of less than
    # half of the smallest gap known is looked at.
    ours = certificate.relative_gap[s]
    if ours < 0.5 * verdict.gap - 1e-9 and _is_simple(task.penalty):
        yield "certify: gap", f"{ours:.2e} for {verdict.gap:.2e}"


def _is_simple(penalty):
    """Whether the dual point of the residual is all that a certificate can choose."""
    return type(penalty).__name__ == "L1" and not penalty.positive


def _of_descent(task, x, atoms, verdict, half_squared_norm, s):
    if isinstance(task.penalty, Simplex):
        # A code of 0 is none of its codes.
        return
    slack = ABOVE[task.X.dtype] * half_squared_norm
    zero = half_squared_norm
    if isinstance(task.penalty, KSparse):
        if float(verdict.objective) > zero + slack:
            yield "worse than 0", f"{verdict.objective:.6e} for {zero:.6e}"
        return
    if verdict.objective > zero + slack:
        yield "worse than 0", f"{verdict.objective:.6e} for {zero:.6e}"
    if task.codes is not None:
        start = task.codes[s].astype(Real)
        before = float(objective(x - start @ atoms, start, task.penalty))
        if verdict.objective > before + slack:
            yield "worse than its start", f"{verdict.objective:.6e} for {before:.6e}"


def _of_claim(task, x, atoms, code, verdict, s, tol):
    rounding = ROUNDING[task.X.dtype]
    bound = tol * (1 + SHARE) + rounding
    if isinstance(task.penalty, KSparse):
        yield from _of_greedy(task, x, atoms, code, s)
    elif verdict.gap is not None and verdict.gap > bound:
        yield "false claim of a gap", f"{verdict.gap:.3e} at tol={tol:g}"
    elif verdict.residual is not None and verdict.residual > bound:
        yield "false claim of a residual", f"{verdict.residual:.3e} at tol={tol:g}"


def _of_greedy(task, x, atoms, code, s):
    code = code.astype(Real)
    used = int((code != 0).sum())
    if used > task.penalty.n_nonzero:
        yield "more nonzeros than allowed", f"{used} for {task.penalty.n_nonzero}"
    if type(task.solver).__name__ not in ("OMP", "OLS"):
        return
    r = x - code @ atoms
    error, target = float(r @ r), float(task.penalty.error)
    if target > 0 and used < task.penalty.n_nonzero and not error <= target:
        yield "false claim of an error", f"{error:.3e} for {target:.3e} with {used} atoms"
