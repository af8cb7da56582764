"""Certificates of joint codes: objective and duality gap of every group of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._binary_scaling import scaled, scaled_parameter
from sparsecode._judge import half_square
from sparsecode._objective_scaling import ratio
from sparsecode._row_blocks import dense_rows
from sparsecode._summaries import Summarized, gap_or_residual
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_code_rows, check_number
from sparsecode.dictionary import Dictionary
from sparsecode.joint._groups import Groups


@dataclass(frozen=True, repr=False)
class JointCertificate(Summarized):
    """Certificate of joint codes: objective and duality gap, one entry a group, in float64.

    Attributes
    ----------
    groups : ndarray of shape (n_groups,)
        Labels of the groups, sorted.
    objective : ndarray of shape (n_groups,)
    gap : ndarray of shape (n_groups,)
        The objective is at most this far above the optimum.
    half_squared_norm : ndarray of shape (n_groups,)
        Half the squared norm of all samples of the group, the unit of `relative_gap`.
    """

    groups: np.ndarray
    objective: np.ndarray
    gap: np.ndarray
    half_squared_norm: np.ndarray
    _ratios: np.ndarray

    @property
    def relative_gap(self) -> np.ndarray:
        """Gap divided by `half_squared_norm`; 0 where both are 0."""
        return self._ratios

    def _summary(self):
        gaps = gap_or_residual(self.relative_gap, self.relative_gap, "relative ")
        return [("groups", f"{len(self.groups):,}"), gaps]


def certify_joint(
    X: MatrixLike,
    codes: MatrixLike,
    dictionary: Dictionary | ArrayLike,
    alpha: float,
    *,
    groups: ArrayLike | None = None,
) -> JointCertificate:
    """Certify joint codes: objective and gap of every group, of the problem of `joint_lasso`.

    Everything is computed in float64 from the arguments alone, whatever made the codes.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    alpha : float
        Weight of the penalty, absolute, above 0.
    groups : array-like of shape (n_samples,) or None, default=None
        Label of the group of each sample. None is one group of all.

    Returns
    -------
    certificate : JointCertificate

    Raises
    ------
    ValueError
        If shapes do not fit, or an array holds NaN or infinity.

    Examples
    --------
    >>> from sparsecode.joint import certify_joint
    >>> certificate = certify_joint([[3.0], [4.0]], [[2.4], [3.2]], [[1.0]], 1.0)
    >>> certificate.objective, certificate.gap.round(12)
    (array([4.5]), array([0.]))
    """
    alpha = check_number(alpha, "alpha", low=0, low_open=True)
    task = Groups.of(X, dictionary, groups)
    codes = check_code_rows(codes, task.X.shape[0], task.n_components)
    judged = np.zeros((len(task.labels), 4))
    for g in range(len(task.labels)):
        rows, X, exponent = task.group(g)
        weight = scaled_parameter(alpha, exponent + task.unit_exponent)
        Z = scaled(dense_rows(codes, rows, np.float64), exponent - task.unit_exponent)
        residual = X - Z @ task.atoms
        corr = residual @ task.atoms.T
        norms = np.linalg.norm(Z, axis=0)
        value = half_square(residual).sum() + weight * norms.sum()
        gap = _gap(half_square(residual).sum(), norms, corr, Z, weight)
        unit = half_square(X).sum()
        judged[g] = (*scaled(np.array([value, gap, unit]), -2 * exponent), ratio(gap, unit))
    return JointCertificate(task.labels, *judged.T.copy())


def _gap(half_residual, norms, corr, Z, weight):
    """Duality gap, as a sum of terms that are not negative."""
    largest = np.linalg.norm(corr, axis=0).max()
    scale = min(1.0, weight / largest) if largest > 0 else 1.0
    fenchel = weight * norms.sum() - scale * np.vdot(Z, corr)
    return (1 - scale) ** 2 * half_residual + max(fenchel, 0.0)
