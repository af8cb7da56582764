"""What solvers share that repeat a gradient step and hard thresholding."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sparsecode._interrupts import halt_flag
from sparsecode._least_squares import fit_supports
from sparsecode.solvers.base import Solver
from sparsecode.solvers.thresholding.normalized_steps import threshold_rows

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
        corr, energy = problem.correlations(block.rows)
        n, most = corr.shape[1], int(counts.max())
        move, point, residual = np.empty((3, n), dtype=corr.dtype)
        support, kept = np.empty((2, n), dtype=np.int64)
        threshold_rows(
            corr,
            energy,
            problem.gram,
            counts[block.rows],
            self._projects,
            _DEPENDENT[corr.dtype],
            self._threshold(corr.dtype),
            self.max_iter,
            block.codes,
            block.n_iter,
            block.stop,
            block.history,
            residual,
            (move, support, kept, point, np.zeros(n, dtype=np.uint8)),
            (np.empty((most, most)), np.empty(most)),
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
