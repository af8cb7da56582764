"""Block coordinate descent on the atoms, for online dictionary learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from sparsecode import _jit
from sparsecode._blas import single_threaded_blas
from sparsecode._typing import Codes
from sparsecode._validation import check_integer, check_number
from sparsecode.constraints import Free, NonNegative, UnitBall, UnitNorm
from sparsecode.updates._coherence import incoherent_sweep
from sparsecode.updates._moments import Moments
from sparsecode.updates.base import MOST_SWEEPS, Update

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

# Atoms corrected one after the other between two products with all of them.
_WIDTH = 64
# Exponent of forgetting that `None` chooses, with `u` uses of an atom for each of its values:
# ``_SPEED * u**_POWER - 1``, but no less than the slowest. The share of a new batch in the sums
# then falls as the number of samples to the power of `_POWER` - 1; measured, with a flat optimum.
_SPEED, _POWER, _SLOWEST = 2.5, 0.4, 1.0
_FREE, _BALL, _SPHERE = 0, 1, 2
_KINDS = {Free: _FREE, UnitBall: _BALL, UnitNorm: _SPHERE}


class MomentStats(NamedTuple):
    """Moments of the samples before and since the last step, and their total counts.

    Attributes
    ----------
    past, batch : Moments
    n_seen : float
        Sum of the weights of the samples before the last step, none of them forgotten.
    n_used : float
        Their number of nonzero coefficients.
    """

    past: Moments
    batch: Moments
    n_seen: float
    n_used: float


class MomentUpdate(Update):
    """Base of the updates that need only the moments of the samples.

    A subclass has a field `forgetting`, see `BlockUpdate`, and defines
    ``_fit(dictionary, moments)``, which returns atoms that fit the moments better.
    """

    def init(self, dictionary: Dictionary) -> MomentStats:
        self._check()
        nothing = Moments.zeros(dictionary)
        return MomentStats(nothing, nothing, 0.0, 0.0)

    def gather(
        self,
        X: np.ndarray,
        codes: Codes,
        dictionary: Dictionary,
        stats: Any,
        *,
        sample_weight: np.ndarray | None = None,
        n_jobs: int | None = None,
    ) -> Any:
        new = Moments.of(X, codes, dictionary, sample_weight, n_jobs=n_jobs)
        return stats._replace(batch=stats.batch + new)

    def merge(self, stats: Any, other: Any) -> Any:
        return stats._replace(batch=stats.batch + other.batch)

    def step(
        self, dictionary: Dictionary, stats: Any, *, n_jobs: int | None = None
    ) -> tuple[Dictionary, Any]:
        past, batch = stats.past, stats.batch
        if batch.weight == 0:
            return dictionary, stats
        n_seen, n_used = stats.n_seen + batch.weight, stats.n_used + batch.n_uses
        if stats.n_seen > 0:
            exponent = self._exponent(n_used / dictionary.atoms.size)
            batch = past.faded((stats.n_seen / n_seen) ** exponent).plus(batch)
        with single_threaded_blas():
            atoms = self._fit(dictionary, batch, n_jobs=n_jobs)
        stats = MomentStats(batch, Moments.zeros(dictionary), n_seen, n_used)
        return dictionary.replace(atoms=atoms), stats

    def _exponent(self, n_uses_a_value):
        """Exponent of forgetting, from the number of uses of an atom for each of its values."""
        if self.forgetting is not None:
            return self.forgetting
        return max(_SPEED * n_uses_a_value**_POWER - 1, _SLOWEST)

    def forget(self, stats: Any) -> MomentStats:
        return MomentStats(stats.past.faded(0), stats.batch.faded(0), 0.0, 0.0)

    def new_epoch(self, stats: Any, weight: float) -> Any:
        share = min(weight / stats.n_seen, 1) if stats.n_seen > 0 else 1
        return stats._replace(n_seen=stats.n_seen * share, n_used=stats.n_used * share)

    def reset(self, stats: Any, atoms: np.ndarray) -> Any:
        return stats._replace(past=stats.past.without(atoms), batch=stats.batch.without(atoms))

    def _check(self):
        is_infinite = isinstance(self.forgetting, float) and self.forgetting == np.inf
        if self.forgetting is not None and not is_infinite:
            check_number(self.forgetting, "forgetting", low=0)


@dataclass
class BlockUpdate(MomentUpdate):
    """Block coordinate descent on the atoms: online dictionary learning of Mairal and others.

    Minimises over the atoms the mean of ``1/2 ||x - offset - z @ atoms||^2`` over all samples so
    far, each with the code of the time when it was seen. One atom after the other is set to its
    minimiser given the others. This needs only the sums of ``z.T @ z`` and ``z.T @ x``. A sweep
    costs ``O(n_components^2 n_features)``, whatever the number of samples. Atoms that no sample
    used do not change.

    Parameters
    ----------
    forgetting : float or None, default=None
        Exponent of the weights of old batches, whose codes belong to old atoms. After `t` batches
        of equal size, batch `s` has the weight ``(s / t)**forgetting``. 0 weighs all batches
        equally, and infinity keeps only the last one. None chooses an exponent that grows with the
        data: ``2.5 u**0.4 - 1``, but at least 1, where `u` is the number of nonzero coefficients so
        far, whatever their weights, for each entry of the atoms. So the share of a new batch falls
        as ``t**-0.6``, as in stochastic approximation (Cappé and Moulines), and the sums cover ever
        more samples. From the second epoch on, `t` stays at the number of batches in an epoch. In
        full-batch learning only the last pass counts, and `forgetting` has no effect.
    n_sweeps : int, default=1
        Passes over the atoms in a step, at most 10000.
    damping : float, default=0.0
        Resistance of an atom to change, as a number of uses for each of its entries, each with a
        mean squared coefficient: atoms that few samples have used then fit less of their noise, as
        with the statistics that Mairal and others start from. Atoms at which learning comes to rest
        stay the same. 0.1 helps where a batch uses an atom less often than it has entries.
    coherence_penalty : float, default=0.0
        Weight `gamma` of ``gamma / 2 * sum_{j != k} (d_j @ d_k)**2``, which is added to that mean,
        so that atoms resemble each other less. In the units of the mean objective, for atoms of
        norm 1. Each atom takes projected gradient steps, none of which increases the sum.

    References
    ----------
    J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online learning for matrix factorization and
    sparse coding", 2010.

    I. Ramírez, F. Lecumberry and G. Sapiro, "Sparse modeling with universal priors and learned
    incoherent dictionaries", 2009.

    O. Cappé and E. Moulines, "On-line expectation-maximization algorithm for latent data models",
    2009.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.updates import BlockUpdate
    >>> update, dictionary = BlockUpdate(), Dictionary([[1.0, 0.0]])
    >>> X, codes = np.array([[2.0, 1.0]]), np.array([[2.0]])
    >>> dictionary, stats = update.update(X, codes, dictionary, update.init(dictionary))
    >>> dictionary.atoms
    array([[1. , 0.5]])
    """

    forgetting: float | None = None
    n_sweeps: int = 1
    damping: float = 0.0
    coherence_penalty: float = 0.0

    def _check(self):
        super()._check()
        for name in ("damping", "coherence_penalty"):
            check_number(getattr(self, name), name, low=0)
        check_integer(self.n_sweeps, "n_sweeps", high=MOST_SWEEPS)

    def _fit(self, dictionary, moments, *, n_jobs=None):
        atoms = np.array(dictionary.atoms)
        pull = self._pull(dictionary.n_features, moments)
        for _ in range(self.n_sweeps):
            if self.coherence_penalty > 0:
                gamma = float(self.coherence_penalty)
                incoherent_sweep(atoms, moments, dictionary.constraint, pull, gamma)
            else:
                _sweep(atoms, moments, dictionary.constraint, pull)
        return atoms

    def _pull(self, n_features, moments):
        """Curvature that damping adds to that of each atom."""
        if self.damping == 0 or moments.n_uses == 0:
            return moments.second.dtype.type(0)
        mean_square = moments.second.diagonal().sum(dtype=np.float64) / moments.n_uses
        return moments.second.dtype.type(self.damping * n_features * mean_square)


def _sweep(atoms, moments, constraint, pull):
    """One pass of coordinate descent over the atoms, in place."""
    positive = isinstance(constraint, NonNegative)
    kind = _KINDS.get(type(constraint.norm if positive else constraint))
    if kind is None:
        _sweep_any(atoms, moments, constraint, pull)
        return
    for start in range(0, len(atoms), _WIDTH):
        part = slice(start, start + _WIDTH)
        # Right-hand sides for these atoms, before any of them changes.
        missing = moments.cross[part] - moments.second[part] @ atoms
        second = moments.second[part, part]
        second = second.toarray() if sparse.issparse(second) else second
        _correct(atoms[part], missing, second, pull, positive, kind)


def _sweep_any(atoms, moments, constraint, pull):
    """One pass for a constraint without a kernel, with one projection for each atom."""
    for j in np.flatnonzero(moments.second.diagonal() > 0):
        second = moments.second[j]
        second = second.toarray() if sparse.issparse(second) else second
        missing = moments.cross[j] - second @ atoms
        step = missing / (moments.second[j, j] + pull)
        atoms[j] = constraint.project((atoms[j] + step)[None])[0]


@_jit.kernel
def _correct(atoms, missing, second, pull, positive, kind):
    """Set some atoms to their minimisers in turn; `missing` follows every change."""
    n_atoms, n_features = atoms.shape
    change = np.empty(n_features, dtype=atoms.dtype)
    for j in range(n_atoms):
        if second[j, j] <= 0:
            continue
        squares = 0.0
        for f in range(n_features):
            value = atoms[j, f] + missing[j, f] / (second[j, j] + pull)
            if positive:
                value = max(value, atoms.dtype.type(0))
            change[f] = value
            squares += np.float64(value) * value
        if squares == 0 and kind == _SPHERE:
            # No direction fits, so that a norm of 1 is not possible.
            continue
        scale = atoms.dtype.type(1)
        if kind == _SPHERE or (kind == _BALL and squares > 1):
            scale = atoms.dtype.type(1 / np.sqrt(squares))
        for f in range(n_features):
            value = change[f] * scale
            change[f] = value - atoms[j, f]
            atoms[j, f] = value
        for i in range(j, n_atoms):
            for f in range(n_features):
                missing[i, f] -= second[i, j] * change[f]
