"""Constraints on the atoms of a dictionary: projection and tangent space."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sparsecode._binary_scaling import norms_of
from sparsecode._messages import shown, wrong

__all__ = ["Constraint", "Free", "NonNegative", "UnitBall", "UnitNorm"]


@dataclass(frozen=True)
class Constraint:
    """Base of the constraints on atoms, rows of an array (n_components, n_features).

    Every method returns a new array, or fills and returns `out` (which may be the input).
    """

    def project(self, atoms: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return the closest atoms in the set, shape (n_components, n_features)."""
        return _copy_to(atoms, out)

    def tangent(
        self, atoms: np.ndarray, grad: np.ndarray, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the part of `grad` along which a descent step can stay in the set.

        Parameters
        ----------
        atoms, grad : ndarray of shape (n_components, n_features)
            A point of the set, and the gradient of a loss there.
        """
        return _copy_to(grad, out)


@dataclass(frozen=True)
class Free(Constraint):
    """No constraint: atoms of any norm.

    Examples
    --------
    >>> from sparsecode.constraints import Free
    >>> Free().project([[3.0, 4.0]])
    array([[3., 4.]])
    """


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """Atoms of norm 1. A zero atom has no direction and stays zero.

    Examples
    --------
    >>> from sparsecode.constraints import UnitNorm
    >>> UnitNorm().project([[3.0, 4.0]])
    array([[0.6, 0.8]])
    """

    def project(self, atoms: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        out = _copy_to(atoms, out)
        norms = _norms(out)
        norms[norms == 0] = 1
        out /= norms
        return out

    def tangent(
        self, atoms: np.ndarray, grad: np.ndarray, out: np.ndarray | None = None
    ) -> np.ndarray:
        out = _copy_to(grad, out)
        out -= _radial(atoms, out) * atoms
        return out


@dataclass(frozen=True)
class UnitBall(Constraint):
    """Atoms of norm at most 1.

    Examples
    --------
    >>> from sparsecode.constraints import UnitBall
    >>> UnitBall().project([[3.0, 4.0], [0.3, 0.4]])
    array([[0.6, 0.8],
           [0.3, 0.4]])
    """

    def project(self, atoms: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        out = _copy_to(atoms, out)
        out /= np.maximum(_norms(out), 1)
        return out

    def tangent(
        self, atoms: np.ndarray, grad: np.ndarray, out: np.ndarray | None = None
    ) -> np.ndarray:
        out = _copy_to(grad, out)
        radial = _radial(atoms, out)
        # Only the sphere blocks, and only a descent step that points out of the ball.
        on_sphere = np.linalg.norm(atoms, axis=1, keepdims=True) >= 1 - 1e-6
        out -= np.where(on_sphere & (radial < 0), radial, 0) * atoms
        return out


@dataclass(frozen=True)
class NonNegative(Constraint):
    """Atoms without negative entries that also obey the constraint `norm`.

    An atom without a positive entry becomes zero, for a learner to replace.

    Parameters
    ----------
    norm : Constraint, default=UnitNorm()
        Constraint on the norms of the atoms: `UnitNorm()`, `UnitBall()` or `Free()`.

    References
    ----------
    P. Hoyer, "Non-negative sparse coding", 2002.

    Examples
    --------
    >>> from sparsecode.constraints import NonNegative
    >>> NonNegative().project([[3.0, -4.0]])
    array([[1., 0.]])
    """

    norm: Constraint = field(default_factory=UnitNorm)

    def __post_init__(self) -> None:
        check_constraint(self.norm, "norm")

    def project(self, atoms: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        out = _copy_to(atoms, out)
        np.maximum(out, 0, out=out)
        return self.norm.project(out, out=out)

    def tangent(
        self, atoms: np.ndarray, grad: np.ndarray, out: np.ndarray | None = None
    ) -> np.ndarray:
        out = _copy_to(grad, out)
        out[(np.asarray(atoms) <= 0) & (out > 0)] = 0
        return self.norm.tangent(atoms, out, out=out)


def check_constraint(constraint: Constraint, name: str = "constraint") -> Constraint:
    """Return `constraint` if it is an instance of a Constraint."""
    if not isinstance(constraint, Constraint):
        raise TypeError(
            wrong(
                name,
                got=shown(constraint),
                expected="a Constraint instance",
                remedy="Use UnitNorm(), UnitBall(), NonNegative() or Free().",
            )
        )
    return constraint


def _copy_to(array, out):
    if out is None:
        return np.array(array)
    np.copyto(out, array)
    return out


def _norms(atoms):
    """Norms of the rows; 1 where they are 1 up to rounding, so that a projection is kept as is."""
    norms = norms_of(atoms)[:, None]
    norms[np.abs(norms - 1) <= 8 * np.finfo(norms.dtype).eps] = 1
    return norms


def _radial(atoms, grad):
    return np.einsum("ij,ij->i", atoms, grad)[:, None]
