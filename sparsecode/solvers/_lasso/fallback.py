"""The fallback for samples that a search over supports could not solve."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._interrupts import halt_if_told
from sparsecode.solvers.coordinate_descent import CoordinateDescent

# Gaps below this are rounding, even in float64.
ROUNDING = 1e-12


def failed_samples(block, tol, max_iter):
    """Samples of a block that stopped of themselves above `tol`, before `max_iter`."""
    return np.flatnonzero(~(block.stop <= max(tol, ROUNDING)) & (block.n_iter < max_iter))


def finish_failed(problem, block, tol, max_iter):
    """Solve the samples of a block above `tol` that stopped of themselves, in float64.

    At `max_iter` a sample is left as it is. `CoordinateDescent` goes on from its codes.
    """
    # What was not solved looks as if it had failed.
    halt_if_told()
    failed = failed_samples(block, tol, max_iter)
    if len(failed) == 0:
        return
    solver = CoordinateDescent(max_iter=50 * max_iter, tol=max(tol, ROUNDING))
    with warnings.catch_warnings():
        # What still fails is reported with the rest of the batch.
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = solver.solve(
            problem.samples(block.rows, np.float64)[failed],
            problem.dictionary.astype(np.float64),
            problem.penalty,
            codes=block.codes[failed],
            n_jobs=1,
        )
    judged = result.certificate
    block.codes[failed] = result.codes
    block.stop[failed] = np.where(result.converged, tol, judged.relative_gap)
    for s, objective in zip(failed, judged.objective, strict=True):
        block.history[s, 0, block.n_iter[s] :] = objective
        block.history[s, 1, block.n_iter[s] :] = block.stop[s]
