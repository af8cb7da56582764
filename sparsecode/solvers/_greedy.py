"""What greedy solvers share: one atom a step, projected on the atoms chosen so far."""

from __future__ import annotations

import warnings
from typing import ClassVar, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._validation import check_number
from sparsecode.solvers._gram_schmidt import BLOCK, choose_rows
from sparsecode.solvers._k_sparse import DEPENDENT, KSparseSolver

# Rounding of squared errors and of correlations, in units of the machine's.
_ERROR_ROUNDING, _CORRELATION_ROUNDING = 16, 64


class Greedy(KSparseSolver):
    """Base of the solvers that choose one atom a step; a subclass has one field, `tol`."""

    finite: ClassVar[bool] = True
    _block_size: ClassVar[int] = 512
    # Whether the atom is chosen that reduces the error most, rather than the best correlated one.
    _by_reduction: ClassVar[bool]

    def _check_parameters(self):
        check_number(self.tol, "tol", low=0, high=1)

    def _n_records(self, problem):
        return _most_atoms(self._targets(problem)[0], problem.dictionary) + 1

    def _prepare(self, problem):
        return _Unit.of(problem.dictionary), *self._targets(problem)

    def _solve_block(self, problem, prepared, block):
        self._choose(problem, prepared[0], prepared, block, problem.centred(block.rows), None)

    def _solve_observed(self, problem, prepared, block):
        X, atoms = problem.centred(block.rows), problem.dictionary.atoms
        observed = ~np.isnan(X)
        unit = _Unit.of_observed(prepared[0].gram, atoms, observed)
        partial = observed, atoms, np.ascontiguousarray(atoms.T)
        self._choose(problem, unit, prepared, block, np.where(observed, X, 0), partial)

    def _choose(self, problem, unit, prepared, block, X, partial):
        counts, errors = (targets[block.rows] for targets in prepared[1:])
        most = _most_atoms(counts, problem.dictionary)
        limits = np.minimum(counts, most)
        if partial is not None:
            limits = np.minimum(limits, partial[0].sum(axis=1))
        corr = X @ problem.dictionary.atoms.T
        corr *= unit.scale
        eps = np.finfo(corr.dtype).eps
        energy = np.zeros(len(X))
        if errors.any() or block.history.shape[2] > 0:
            energy = np.einsum("ij,ij->i", X, X, dtype=np.float64)
        n, n_blocks = corr.shape[1], -(-corr.shape[1] // BLOCK)
        # Rows of no power of two of bytes, which would all lie on the same cache lines.
        basis = np.empty((most, n + 80), dtype=corr.dtype)
        residual, square, score = np.zeros((3, n_blocks, BLOCK), dtype=corr.dtype)
        bits = np.int32 if corr.dtype == np.float32 else np.int64
        choose_rows(
            corr,
            energy,
            unit.gram,
            unit.squares,
            unit.scale,
            partial,
            counts,
            limits,
            errors,
            _ERROR_ROUNDING * eps * energy,
            max(self.tol, _CORRELATION_ROUNDING * eps),
            DEPENDENT[corr.dtype],
            self._by_reduction,
            problem.codes is not None,
            block.codes,
            block.n_iter,
            block.stop,
            block.history,
            basis,
            (residual.ravel()[:n], square.ravel()[:n], score.ravel()[:n]),
            (residual.view(bits), score.view(bits), np.empty(n_blocks, dtype=bits)),
        )

    def _warn(self, problem, stop, n_samples):
        warnings.warn(
            f"{type(self).__name__}: {len(stop)} of {n_samples} samples did not reach their error "
            "target with all the atoms that reduce their error; the worst squared residual norm "
            f"is {stop.max():.2g} times its target. Raise error, or use a larger dictionary.",
            ConvergenceWarning,
            stacklevel=3,
        )


class _Unit(NamedTuple):
    """A dictionary with its atoms divided by their norms: Gram matrix, diagonal, inverse norms.

    The latter two have one row for all samples, or one for each.
    """

    gram: np.ndarray
    squares: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, dictionary):
        norms = dictionary.norms
        if np.abs(norms - 1).max() <= 16 * np.finfo(norms.dtype).eps:
            scale, gram = np.ones_like(norms), dictionary.gram
        else:
            scale = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
            gram = dictionary.gram * scale * scale[:, None]
            # As that of a dictionary is: kernels are compiled for one or the other.
            gram.flags.writeable = False
        return cls(gram, np.diag(gram)[None].copy(), scale[None])

    @classmethod
    def of_observed(cls, gram, atoms, observed):
        """What each sample sees of the atoms; the Gram matrix is that of the whole atoms."""
        squares = observed.astype(atoms.dtype) @ np.square(atoms).T
        scale = np.divide(1, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
        return cls(gram, squares * scale * scale, scale)


def _most_atoms(counts, dictionary):
    """More atoms than features are never linearly independent."""
    return min(int(counts.max()), *dictionary.atoms.shape)
