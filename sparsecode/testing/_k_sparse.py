"""Checks of solvers of `KSparse`: counts and error targets, also one for each sample."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sparsecode.penalties import KSparse
from sparsecode.testing._require import naming, require, require_close


def check_counts_and_errors(case):
    """Counts are kept, targets reached, and those out of reach reported once."""
    _check_counts(case)
    try:
        case.solver.check_penalty(KSparse(None, 1.0))
    except (TypeError, ValueError) as error:
        require("error" in str(error), "the refusal of an error target does not name it")
        return
    _check_errors(case)
    _check_out_of_reach(case)


def _check_counts(case):
    for count in (1, 3):
        codes = case.solve(penalty=KSparse(count)).codes
        most = (codes != 0).sum(axis=1).max()
        require(most <= count, f"{most} nonzeros with n_nonzero={count}")
    counts = 1 + np.arange(len(case.X)) % 3
    _check_alone(case, KSparse(counts), [KSparse(int(count)) for count in counts])


def _check_errors(case):
    """The target is met, and not without the last atom."""
    squared_norm = (case.X**2).sum(axis=1)
    targets = np.linspace(0.1, 0.6, len(squared_norm)) * squared_norm
    for dtype, _ in case.dtypes:
        X, dictionary = case.X.astype(dtype), case.dictionary.astype(dtype)
        result = case.solve(X, dictionary, penalty=KSparse(None, targets), tol=1e-5)
        error = 2 * result.certificate.objective
        with naming(f"an error target, {X.dtype}"):
            require((error <= targets).all(), "is missed")
            require(result.converged.all(), "was reached, but converged is False")
    _check_alone(case, KSparse(None, targets), [KSparse(None, float(one)) for one in targets])
    history = case.solve(penalty=KSparse(None, targets), record=True).history["objective"]
    for s, objective in enumerate(2 * history.T):
        before = objective[: np.argmax(objective == objective[-1])]
        require((before > targets[s]).all(), "went on after the error target was reached")


def _check_out_of_reach(case):
    atoms = case.dictionary.atoms[:2]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = clone(case.solver).solve(case.X, atoms, KSparse(None, 1e-3))
    require(not result.converged.any(), "converged to an error that no code has")
    require(
        [warning.category for warning in caught] == [ConvergenceWarning],
        f"errors out of reach gave {len(caught)} warnings; expected one ConvergenceWarning",
    )
    message = str(caught[0].message)
    for part in (type(case.solver).__name__, f"{len(case.X)} of {len(case.X)}", "error"):
        require(part in message, f"the ConvergenceWarning does not say {part!r}: {message}")
    best = np.linalg.lstsq(atoms.T, case.X.T, rcond=None)[0].T
    require_close(result.codes, best, 1e-9, "an error out of reach, against least squares")


def _check_alone(case, together, alone):
    """Targets of their own give each sample what it gets alone."""
    codes = case.solve(penalty=together).codes
    for s, penalty in enumerate(alone):
        expected = case.solve(case.X[s : s + 1], penalty=penalty).codes
        require_close(codes[s : s + 1], expected, 1e-9, f"sample {s} with {penalty} of its own")
