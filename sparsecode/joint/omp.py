"""Joint orthogonal matching pursuit: atoms that fit all samples of a group, one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._binary_scaling import scaled, scaled_parameter
from sparsecode._free_atoms import normalized
from sparsecode._interrupts import halt_if_told
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_integer, check_number
from sparsecode.dictionary import Dictionary
from sparsecode.joint._groups import Groups

# Relative squared norm at which what is left of an atom or a residual is rounding.
_ROUNDING = 1e-24


def joint_omp(
    X: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    n_nonzero: int,
    *,
    groups: ArrayLike | None = None,
    error: float = 0.0,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Code groups of samples on the same few atoms, by simultaneous orthogonal matching pursuit.

    One atom after the other joins the support of a group: the one whose absolute cosines with the
    residuals, times their norms, have the largest sum over the samples. All samples are then fitted
    on the support by least squares. A group of one sample is OMP.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    dictionary : Dictionary or array-like of shape (n_components, n_features)
        Atoms need not have norm 1.
    n_nonzero : int
        Most atoms of a group, at most `n_components`.
    groups : array-like of shape (n_samples,) or None, default=None
        Label of the group of each sample, such as a number or a name. None is one group of all.
    error : float, default=0.0
        Squared norm of all residuals of a group at which it needs no more atoms, absolute. 0 is no
        such target.
    n_jobs : int or None, default=None
        Threads, each for a group; None uses all cores. The answer does not depend on it.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_components)
        float32 only if X and the dictionary both are.

    Raises
    ------
    ValueError
        If shapes do not fit, or a number is NaN, infinite or out of range.

    References
    ----------
    J. A. Tropp, A. C. Gilbert and M. J. Strauss, "Algorithms for simultaneous sparse approximation.
    Part I: greedy pursuit", 2006.

    Examples
    --------
    >>> from sparsecode.joint import joint_omp
    >>> joint_omp([[3.0, 1.0], [-2.0, 1.5]], [[1.0, 0.0], [0.0, 1.0]], 1)
    array([[ 3.,  0.],
           [-2.,  0.]])
    """
    task = Groups.of(X, dictionary, groups)
    n_nonzero = check_integer(n_nonzero, "n_nonzero", high=task.n_components)
    error = check_number(error, "error", low=0)
    out = np.zeros((task.X.shape[0], task.n_components), dtype=task.dtype)

    def solve(g):
        rows, X, exponent = task.group(g)
        target = scaled_parameter(error, 2 * exponent)
        support = _chosen(X, task.atoms, n_nonzero, target)
        if support:
            fit = np.linalg.lstsq(task.atoms[support].T, X.T, rcond=None)[0].T
            out[np.ix_(rows, support)] = scaled(fit, task.unit_exponent - exponent)

    task.each_group(solve, n_jobs)
    return out


def _chosen(X, atoms, n_nonzero, error):
    """Atoms of a group in the order in which they were chosen."""
    directions = normalized(atoms)
    support, basis, residual = [], np.zeros((0, X.shape[1])), X
    floor = _ROUNDING * (X**2).sum()
    while len(support) < n_nonzero and (residual**2).sum() > max(error, floor):
        halt_if_told()
        scores = np.abs(residual @ directions.T).sum(axis=0)
        scores[support] = -1
        j = int(np.argmax(scores))
        # Twice, because once leaves rounding errors of the size of what it removes.
        new = directions[j] - basis.T @ (basis @ directions[j])
        new = new - basis.T @ (basis @ new)
        square = new @ new
        if scores[j] <= 0 or square <= _ROUNDING:
            break
        basis = np.concatenate([basis, new[None] / np.sqrt(square)])
        residual = residual - np.outer(residual @ basis[-1], basis[-1])
        support.append(j)
    return support
