"""The base of solvers that repeat a gradient step and hard thresholding."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sparsecode._interrupts import halt_flag
from sparsecode._least_squares import fit_supports
from sparsecode.solvers._kernels.arguments import StopRule
from sparsecode.solvers.base import Solver
from sparsecode.solvers.thresholding.normalized_steps import Workspace, threshold_rows

# Share of an atom's squared norm below which what others leave of it is rounding.
_DEPENDENT = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


class HardThresholding(Solver):
    """Base of `IHT` and `HTP`; a subclass has the fields `max_iter` and `tol`."""

    needs: ClassVar[str] = "k_sparse count"
    # Whether each step ends with least squares on the new support.
    _projects: ClassVar[bool]

    def _prepare(self, problem):
        problem.make_shared(lipschitz=False)
        counts, _ = problem.penalty.targets(*problem.shape)
        return counts

    def _solve_block(self, problem, counts, block):
        task, dtype = problem.task(block.rows), problem.dictionary.dtype
        threshold_rows(
            task,
            counts[block.rows],
            StopRule(False, 1.0, self._threshold(dtype), self.max_iter),
            self._projects,
            _DEPENDENT[dtype],
            block.answer,
            Workspace.of(task.corr.shape[1], int(counts.max()), dtype),
            halt_flag(),
        )
        if self._projects:
            _make_exact(problem, block)


def _make_exact(problem, block):
    """Least squares on the supports that were found, by the samples, not the Gram matrix."""
    samples, columns = np.nonzero(block.codes)
    starts = np.searchsorted(samples, np.arange(len(block.codes) + 1))
    values, atoms = np.empty(len(columns)), problem.dictionary.atoms
    X = problem.centred(block.rows, np.float64)
    fit_supports(X, atoms, starts, columns, values, halt_flag())
    block.codes[samples, columns] = values
