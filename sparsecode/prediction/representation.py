"""Representation of samples by the atoms of all classes, and by an occlusion if there is one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sparsecode._messages import shown, wrong
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Exact
from sparsecode.initialization._source import unit
from sparsecode.objective import Certificate, certify
from sparsecode.penalties import L1, Penalty
from sparsecode.prediction.ridge import RidgeEncoder, is_ridge
from sparsecode.solvers import Solver


class Parts(NamedTuple):
    """Parts of samples of norm 1.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        Samples, scaled to norm 1.
    codes : ndarray or csr_array of shape (n_samples, n_components)
    errors : csr_array of shape (n_samples, n_features) or None
        Occlusion of each sample.
    """

    X: np.ndarray
    codes: np.ndarray | sparse.csr_array
    errors: sparse.csr_array | None


class Representation:
    """Codes of samples of norm 1 on a dictionary, with an identity block for an occlusion.

    Minimises ``1/2 ||x - z @ atoms - e||^2 + penalty(z) + occlusion ||e||_1`` over code and
    occlusion, which is one problem with more atoms: those of an identity matrix.

    Parameters
    ----------
    dictionary : Dictionary
    penalty : Penalty
    solver : Solver or None
        None is the closed form for a ridge, else the solver that `choose_solver` returns.
    occlusion : float or None
        Weight of the occlusion; None is no occlusion.
    """

    dictionary: Dictionary
    penalty: Penalty
    is_occluded: bool
    is_closed: bool

    def __init__(
        self,
        dictionary: Dictionary,
        penalty: Penalty,
        solver: Solver | None = None,
        occlusion: float | None = None,
    ) -> None:
        self.dictionary, self.penalty = dictionary, penalty
        self._all, self._penalty = dictionary, penalty
        if occlusion is not None:
            self._all, self._penalty = with_identity(dictionary, penalty, occlusion)
        self.is_occluded = occlusion is not None
        self.is_closed = solver is None and is_ridge(penalty)
        if self.is_closed:
            self._ridge = RidgeEncoder(self.penalty, dictionary)
        else:
            self._exact = Exact(self._penalty, solver)

    def encode(
        self, X: np.ndarray, *, sparse_output: bool = False, n_jobs: int | None = None
    ) -> np.ndarray | sparse.csr_array:
        """Codes of the samples, scaled to norm 1, on the atoms alone."""
        codes = self.parts(X, n_jobs=n_jobs).codes
        if sparse_output:
            return sparse.csr_array(codes)
        return codes.toarray() if sparse.issparse(codes) else codes

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Reconstruct samples of norm 1, without their occlusion."""
        return self.dictionary.decode(codes)

    def parts(self, X: np.ndarray, *, n_jobs: int | None = None) -> Parts:
        """Scaled samples, codes and occlusions."""
        X = unit(X)
        return Parts(X, *self._split(self._solved(X, n_jobs)))

    def certify(self, X: np.ndarray, *, n_jobs: int | None = None) -> Certificate:
        """Certify codes and occlusions together."""
        X = unit(X)
        return certify(X, self._solved(X, n_jobs), self._all, self._penalty, n_jobs=n_jobs)

    def _solved(self, X, n_jobs):
        if self.is_closed:
            return self._ridge.encode(X, n_jobs=n_jobs)
        sparse_output = not self._penalty.smooth
        return self._exact.encode(X, self._all, sparse_output=sparse_output, n_jobs=n_jobs)

    def _split(self, codes):
        if not self.is_occluded:
            return codes, None
        n_atoms, n_features = self.dictionary.atoms.shape
        errors = codes[:, n_atoms : n_atoms + n_features]
        if codes.shape[1] > n_atoms + n_features:
            errors = errors - codes[:, n_atoms + n_features :]
        return codes[:, :n_atoms], errors


def with_identity(
    dictionary: Dictionary, penalty: Penalty, occlusion: float
) -> tuple[Dictionary, L1]:
    """Return atoms and penalty with an identity block, whose coefficients have another weight.

    Where coefficients must be non-negative, there is a block of negative ones too, as an
    occlusion has both signs.
    """
    check_takes_occlusion(penalty, occlusion)
    n_atoms, n_features = dictionary.atoms.shape
    eye = np.eye(n_features, dtype=dictionary.dtype)
    blocks = (eye, -eye) if penalty.positive else (eye,)
    weights = penalty._replace(alpha=1.0).thresholds(n_atoms)
    weights = np.append(weights, np.full(len(blocks) * n_features, occlusion / penalty.alpha))
    both = Dictionary(np.concatenate([dictionary.atoms, *blocks]))
    return both, penalty._replace(weights=weights)


def check_takes_occlusion(penalty: Penalty, occlusion: float) -> None:
    """Raise ValueError unless a penalty is an l1 norm with a positive weight."""
    if not (isinstance(penalty, L1) and penalty.alpha > 0):
        raise ValueError(
            wrong(
                "penalty",
                got=f"{shown(penalty)} and occlusion is {occlusion:g}",
                expected="an L1 with a weight > 0 where there is an occlusion",
                remedy="Use penalty=L1(0.01), or set occlusion=None.",
            )
        )
