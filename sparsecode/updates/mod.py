"""Method of optimal directions (MOD)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from sparsecode.constraints import Free, UnitBall
from sparsecode.updates.block import MomentUpdate


@dataclass
class MOD(MomentUpdate):
    """Method of optimal directions (MOD): least-squares fit of all atoms at once.

    Minimises over the atoms the mean of ``1/2 ||x - offset - z @ atoms||^2`` over all samples so
    far, each with the code of the time when it was seen. Then it projects the atoms on the
    dictionary's constraint. With ``A`` the sum of ``z.T @ z`` and ``B`` the sum of
    ``z.T @ (x - offset)``, the atoms change by ``pinv(A) @ (B - A @ atoms)``, computed in float64.
    Atoms that no sample used do not change. If codes are linearly dependent, the fit with the
    smallest change is taken. A step costs ``O(n_components^2 (n_components + n_features))``,
    whatever the number of samples.

    Without a constraint the fit is never worse than before. A projection can make it worse, which
    `BlockUpdate` avoids. An atom does not change if its projection is 0.

    Parameters
    ----------
    forgetting : float or None, default=None
        Exponent of the weights of old batches, as in `BlockUpdate`. It has no effect in full-batch
        learning, where only the last pass counts.

    References
    ----------
    K. Engan, S. O. Aase and J. H. Husøy, "Method of optimal directions for frame design", 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.updates import MOD
    >>> update, dictionary = MOD(), Dictionary([[1.0, 0.0], [0.0, 1.0]])
    >>> X, codes = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([[2.0, 0.0], [1.0, 1.0]])
    >>> dictionary, stats = update.update(X, codes, dictionary, update.init(dictionary))
    >>> dictionary.atoms.round(6)
    array([[ 1. ,  0.5],
           [-1. ,  2.5]])
    """

    forgetting: float | None = None

    def _fit(self, dictionary, moments, *, n_jobs=None):
        used = np.flatnonzero(moments.second.diagonal() > 0)
        if len(used) == 0:
            return dictionary.atoms
        second = moments.second[np.ix_(used, used)]
        second = second.toarray() if sparse.issparse(second) else second
        second = second.astype(np.float64)
        before = dictionary.atoms[used].astype(np.float64)
        missing = moments.cross[used] - second @ before
        # Directions with a smaller eigenvalue contain only rounding errors of the sums.
        cutoff = len(used) * np.finfo(moments.second.dtype).eps
        fitted = before + _solve(second, missing, cutoff)
        atoms = np.array(dictionary.atoms)
        atoms[used] = _projected(fitted, before, dictionary.constraint)
        return atoms


def _solve(second, missing, cutoff):
    """Solve ``second @ change = missing`` in the range of `second`."""
    # Squared coefficients differ between atoms. Scaled to 1, only linear dependence makes the
    # matrix singular.
    scale = 1 / np.sqrt(np.diag(second))[:, None]
    scaled, right = second * scale * scale.T, missing * scale
    factor, failed = linalg.lapack.dpotrf(scaled)
    if failed == 0 and _reciprocal_condition(factor, scaled) > cutoff:
        return scale * linalg.cho_solve((factor, False), right, check_finite=False)
    values, vectors = linalg.eigh(scaled, check_finite=False)
    kept = values > cutoff * values[-1]
    vectors, values = vectors[:, kept], values[kept, None]
    return scale * (vectors @ ((vectors.T @ right) / values))


def _reciprocal_condition(factor, matrix):
    return linalg.lapack.dpocon(factor, np.linalg.norm(matrix, 1))[0]


def _projected(fitted, before, constraint):
    atoms = constraint.project(fitted)
    if not isinstance(constraint, (Free, UnitBall)):
        # Zero is no member of the sphere, and an atom clipped to it could never come back.
        lost = ~atoms.any(axis=1)
        atoms[lost] = before[lost]
    return atoms
