"""Method of optimal directions: all atoms at once, from sums over all samples so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from sparsecode.constraints import Free, UnitBall
from sparsecode.updates.block import MomentUpdate


@dataclass
class MOD(MomentUpdate):
    """Method of optimal directions: the least-squares fit of all atoms at once.

    Minimises over the atoms the mean of ``1/2 ||x - offset - z @ atoms||^2`` over all samples so
    far, each with the code it had when it was seen, and then projects the atoms on the
    dictionary's constraint. With ``A`` the sum of ``z.T @ z`` and ``B`` that of ``z.T @ (x -
    offset)`` the atoms change by ``pinv(A) @ (B - A @ atoms)``, computed in float64: atoms that no
    sample used stay as they are, and codes that depend on each other give the fit with the
    smallest change. A step costs ``O(n_components^2 (n_components + n_features))``, whatever the
    number of samples.

    Without a constraint the fit is never worse than before; a projection can make it so, which
    `BlockUpdate` avoids. An atom of which the projection would leave nothing stays as it is.

    Parameters
    ----------
    forgetting : float or None, default=None
        How fast old batches lose their weight, as in `BlockUpdate`. In full-batch learning only the
        last pass counts, whatever this is.

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
        # Rounding of the sums is all that is left of directions below this.
        cutoff = len(used) * np.finfo(moments.second.dtype).eps
        fitted = before + _solve(second, missing, cutoff)
        atoms = np.array(dictionary.atoms)
        atoms[used] = _projected(fitted, before, dictionary.constraint)
        return atoms


def _solve(second, missing, cutoff):
    """Solve ``second @ change = missing``, in the directions that the sums determine."""
    # Atoms are used with different energy; scaled to one, only dependence makes it singular.
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
