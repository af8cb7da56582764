"""The joint lasso: an l2,1 penalty, by which samples of a group share their atoms."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from sparsecode import _jit
from sparsecode._binary_scaling import scaled, scaled_parameter
from sparsecode._interrupts import halt_flag, halt_if_told, is_halted
from sparsecode._row_blocks import dense_rows
from sparsecode._summaries import Summarized, share
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_code_rows, check_integer, check_number
from sparsecode.dictionary import Dictionary
from sparsecode.joint._groups import Groups
from sparsecode.joint.certificate import JointCertificate, certify_joint
from sparsecode.solvers._tolerance import default_tol

# Sweeps between two looks at the gap.
_PERIOD = 5


@dataclass(frozen=True, repr=False)
class JointResult(Summarized):
    """Joint codes with their certificate.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_components)
    certificate : JointCertificate
        Of the codes, with an entry for each group.
    n_iter : ndarray of int of shape (n_groups,)
        Sweeps over the atoms.
    converged : ndarray of bool of shape (n_groups,)
        Whether the group reached `tol`, by its certificate.
    """

    codes: np.ndarray
    certificate: JointCertificate
    n_iter: np.ndarray
    converged: np.ndarray

    def _summary(self):
        return [*self.certificate._summary(), ("converged", share(self.converged))]


def joint_lasso(
    X: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    alpha: float,
    *,
    groups: ArrayLike | None = None,
    codes: MatrixLike | None = None,
    max_iter: int = 10000,
    tol: float | None = None,
    n_jobs: int | None = None,
) -> JointResult:
    """Code groups of samples that share their atoms: the l2,1 or multi-task lasso.

    Solves for every group of samples ``min_Z 1/2 ||X - offset - Z @ atoms||^2 + alpha * sum_j
    ||Z[:, j]||_2``, by block coordinate descent in float64: an atom is used by all samples of a
    group or by none. A group of one sample is the lasso. In scikit-learn's `MultiTaskLasso` this is
    ``fit(atoms.T, X.T)`` with ``alpha / n_features`` and without intercept.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    alpha : float
        Weight of the penalty, absolute, above 0.
    groups : array-like of shape (n_samples,) or None, default=None
        Label of the group of each sample, such as a number or a name. None is one group of all.
    codes : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
        Where to start; not written to.
    max_iter : int, default=10000
        Most sweeps over the atoms.
    tol : float or None, default=None
        A group stops at this duality gap, in units of half its squared norm. None is 1e-6 for codes
        in float64, 5e-5 in float32. 0 runs `max_iter` sweeps.
    n_jobs : int or None, default=None
        Threads, each for a group; None uses all cores. The answer does not depend on it.

    Returns
    -------
    result : JointResult
        Codes are float32 only if X and the dictionary both are.

    Raises
    ------
    ValueError
        If shapes do not fit, or a number is NaN, infinite or out of range.

    Warns
    -----
    ConvergenceWarning
        If groups stopped at `max_iter` before they reached `tol`.

    References
    ----------
    G. Obozinski, B. Taskar and M. Jordan, "Joint covariate selection and joint subspace selection
    for multiple classification problems", 2010.

    Examples
    --------
    >>> from sparsecode.joint import joint_lasso
    >>> X = [[3.0, 0.1], [4.0, -0.1], [0.0, 2.0]]
    >>> result = joint_lasso(X, [[1.0, 0.0], [0.0, 1.0]], 1.0, groups=["a", "a", "b"])
    >>> result.codes.round(3)
    array([[2.4, 0. ],
           [3.2, 0. ],
           [0. , 1. ]])
    >>> result.converged
    array([ True,  True])
    """
    alpha = check_number(alpha, "alpha", low=0, low_open=True)
    max_iter = check_integer(max_iter, "max_iter")
    task = Groups.of(X, dictionary, groups)
    tol = default_tol(1e-6, task.dtype) if tol is None else check_number(tol, "tol", low=0)
    given = None if codes is None else check_code_rows(codes, task.X.shape[0], task.n_components)
    out = np.zeros((task.X.shape[0], task.n_components), dtype=task.dtype)
    n_iter = np.zeros(len(task.labels), dtype=np.int64)

    def solve(g):
        rows, X, exponent = task.group(g)
        back = task.unit_exponent - exponent
        # An atom is a row here, so that its coefficients lie side by side.
        Z = np.zeros((task.n_components, len(rows)))
        if given is not None:
            Z[:] = scaled(dense_rows(given, rows, np.float64), -back).T
        weight = scaled_parameter(alpha, exponent + task.unit_exponent)
        corr = (task.atoms @ X.T) - task.gram @ Z
        # What the sweeps leave to rounding is a small share of the tolerance.
        n_iter[g] = _sweeps(Z, corr, task.gram, X, task.atoms, weight, tol, max_iter, halt_flag())
        halt_if_told()
        out[rows] = scaled(Z.T, back)

    task.each_group(solve, n_jobs)
    certificate = certify_joint(task.X, out, task.dictionary, alpha, groups=groups)
    converged = certificate.relative_gap <= tol
    if tol > 0 and not converged.all():
        warnings.warn(
            f"joint_lasso: {np.count_nonzero(~converged)} of {len(converged)} groups did not reach "
            f"tol={tol:g} in max_iter={max_iter} iterations; the worst relative duality gap is "
            f"{certificate.relative_gap.max():.1e}. Raise max_iter or tol.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return JointResult(out, certificate, n_iter, converged)


@_jit.kernel
def _sweeps(Z, corr, gram, X, atoms, weight, tol, max_iter, halt):
    """Minimise over the coefficients of one atom after the other; returns the number of sweeps.

    `Z` and `corr` are of shape (n_components, n_samples); `corr` are residual correlations.
    """
    n_components, n_samples = Z.shape
    half_norm = 0.0
    for i in range(X.shape[0]):
        for f in range(X.shape[1]):
            half_norm += X[i, f] * X[i, f] / 2
    move = np.empty(n_samples)
    t = 0
    while t < max_iter and not is_halted(halt):
        is_due = tol > 0 and t % _PERIOD == 0
        if is_due and _gap_of(Z, corr, X, atoms, weight) <= 0.9 * tol * half_norm:
            break
        for j in range(n_components):
            _minimise_atom(j, Z, corr, gram, weight, move)
        t += 1
    return t


@_jit.inner
def _minimise_atom(j, Z, corr, gram, weight, move):
    """Set the coefficients of an atom to their best values given the others."""
    n_components, n_samples = Z.shape
    curvature = gram[j, j]
    if curvature <= 0:
        return
    square = 0.0
    for i in range(n_samples):
        move[i] = corr[j, i] + curvature * Z[j, i]
        square += move[i] * move[i]
    norm = np.sqrt(square)
    shrink = (1 - weight / norm) / curvature if norm > weight else 0.0
    largest = 0.0
    for i in range(n_samples):
        value = shrink * move[i] if shrink > 0 else 0.0
        move[i] = value - Z[j, i]
        Z[j, i] = value
        largest = max(largest, abs(move[i]))
    if largest > 0:
        for k in range(n_components):
            for i in range(n_samples):
                corr[k, i] -= gram[k, j] * move[i]


@_jit.inner_with_arrays
def _gap_of(Z, corr, X, atoms, weight):
    """Duality gap of a group; `corr` is computed anew, so that no rounding errors add up."""
    n_components, n_samples = Z.shape
    half_residual, total, inner, largest = 0.0, 0.0, 0.0, 0.0
    residual = X.copy()
    for j in range(n_components):
        square = 0.0
        for i in range(n_samples):
            square += Z[j, i] * Z[j, i]
            if Z[j, i] != 0:
                for f in range(X.shape[1]):
                    residual[i, f] -= Z[j, i] * atoms[j, f]
        total += weight * np.sqrt(square)
    for i in range(n_samples):
        for f in range(X.shape[1]):
            half_residual += residual[i, f] * residual[i, f] / 2
    for j in range(n_components):
        square = 0.0
        for i in range(n_samples):
            value = 0.0
            for f in range(X.shape[1]):
                value += residual[i, f] * atoms[j, f]
            corr[j, i] = value
            inner += Z[j, i] * value
            square += value * value
        largest = max(largest, np.sqrt(square))
    scale = min(1.0, weight / largest) if largest > 0 else 1.0
    return (1 - scale) * (1 - scale) * half_residual + max(total - scale * inner, 0.0)
