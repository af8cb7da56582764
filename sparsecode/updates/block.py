"""Block coordinate descent on the atoms, from sums over all samples so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sparsecode import _jit
from sparsecode._moments import moments
from sparsecode._parallel import single_threaded_blas
from sparsecode._validation import check_integer, check_number
from sparsecode.constraints import Free, NonNegative, UnitBall, UnitNorm
from sparsecode.updates.base import Update

# Atoms corrected one after the other between two products with all of them.
_WIDTH = 64
_FREE, _BALL, _SPHERE = 0, 1, 2
_KINDS = {Free: _FREE, UnitBall: _BALL, UnitNorm: _SPHERE}


class Moments(NamedTuple):
    """Sums over samples: what a least-squares fit of the atoms needs.

    Attributes
    ----------
    second : ndarray of shape (n_components, n_components)
        Sum of ``z.T @ z``.
    cross : ndarray of shape (n_components, n_features)
        Sum of ``z.T @ (x - offset)``.
    weight : float
        Sum of the sample weights.
    """

    second: np.ndarray
    cross: np.ndarray
    weight: float

    @classmethod
    def zeros(cls, dictionary):
        """Moments of no samples."""
        n_components, dtype = dictionary.n_components, dictionary.dtype
        second = np.zeros((n_components, n_components), dtype=dtype)
        return cls(second, np.zeros_like(dictionary.atoms), 0.0)

    @classmethod
    def of(cls, X, codes, dictionary, sample_weight=None, *, n_jobs=None):
        """Moments of some samples."""
        sums = moments(dictionary.center(X), codes, sample_weight, n_jobs=n_jobs)
        return cls(*sums, len(X) if sample_weight is None else float(np.sum(sample_weight)))

    def __add__(self, other):
        """Moments of both sets of samples."""
        if self.weight == 0:
            return other
        return Moments(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def faded(self, factor):
        """Moments of the same samples, counting less."""
        if factor == 0 or self.weight == 0:
            return Moments(np.zeros_like(self.second), np.zeros_like(self.cross), 0.0)
        scale = self.second.dtype.type(factor)
        return Moments(self.second * scale, self.cross * scale, self.weight * factor)

    def without(self, atoms):
        """Moments as if nothing had used some atoms."""
        second, cross = self.second.copy(), self.cross.copy()
        second[atoms], second[:, atoms], cross[atoms] = 0, 0, 0
        return Moments(second, cross, self.weight)


class MomentStats(NamedTuple):
    """Moments of the samples before the last step, of those since, and how many count as seen."""

    past: Moments
    batch: Moments
    n_seen: float


class MomentUpdate(Update):
    """Base of the updates that need no more of the samples than their moments.

    A subclass has a field `forgetting`, and defines ``_fit(dictionary, moments)``, the atoms that
    fit the moments better. With `t` batches of equal size behind, the batch `s` counts ``(s /
    t)**forgetting``.
    """

    def init(self, dictionary):
        self._check()
        nothing = Moments.zeros(dictionary)
        return MomentStats(nothing, nothing, 0.0)

    def gather(self, X, codes, dictionary, stats, *, sample_weight=None, n_jobs=None):
        new = Moments.of(X, codes, dictionary, sample_weight, n_jobs=n_jobs)
        return stats._replace(batch=stats.batch + new)

    def step(self, dictionary, stats, *, n_jobs=None):
        past, batch, n_seen = stats
        if batch.weight == 0:
            return dictionary, stats
        share = n_seen / (n_seen + batch.weight)
        past = past.faded(share**self.forgetting if share > 0 else 0.0) + batch
        with single_threaded_blas():
            atoms = self._fit(dictionary, past, n_jobs=n_jobs)
        stats = MomentStats(past, Moments.zeros(dictionary), n_seen + batch.weight)
        return dictionary.replace(atoms=atoms), stats

    def forget(self, stats):
        return MomentStats(stats.past.faded(0), stats.batch.faded(0), 0.0)

    def new_epoch(self, stats, weight):
        return stats._replace(n_seen=min(stats.n_seen, weight))

    def reset(self, stats, atoms):
        return MomentStats(stats.past.without(atoms), stats.batch.without(atoms), stats.n_seen)

    def _check(self):
        if self.forgetting != np.inf:
            check_number(self.forgetting, "forgetting", low=0)


@dataclass
class BlockUpdate(MomentUpdate):
    """Block coordinate descent on the atoms, of Mairal and others.

    Minimises over the atoms the mean of ``1/2 ||x - offset - z @ atoms||^2`` over all samples so
    far, each with the code it had when it was seen: one atom after the other is set to its
    minimiser given the others, which takes only the sums ``z.T @ z`` and ``z.T @ x``. A sweep
    costs ``O(n_components^2 n_features)``, whatever the number of samples. Atoms that no sample
    used stay as they are.

    Parameters
    ----------
    forgetting : float, default=2.0
        With `t` batches of equal size behind, the batch `s` counts ``(s / t)**forgetting``,
        because old codes belong to old atoms: 0 weighs all batches alike, infinity is only the
        last one. From the second epoch on, `t` stays at the number of batches of one. In full-batch
        learning only the last pass counts, whatever this is.
    n_sweeps : int, default=1
        Passes over the atoms in a step.

    References
    ----------
    J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online learning for matrix factorization and
    sparse coding", 2010.

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

    forgetting: float = 2.0
    n_sweeps: int = 1

    def _check(self):
        super()._check()
        check_integer(self.n_sweeps, "n_sweeps")

    def _fit(self, dictionary, moments, *, n_jobs=None):
        atoms = np.array(dictionary.atoms)
        for _ in range(self.n_sweeps):
            _sweep(atoms, moments, dictionary.constraint)
        return atoms


def _sweep(atoms, moments, constraint):
    """One pass of coordinate descent over the atoms, in place."""
    positive = isinstance(constraint, NonNegative)
    kind = _KINDS.get(type(constraint.norm if positive else constraint))
    if kind is None:
        _sweep_any(atoms, moments, constraint)
        return
    for start in range(0, len(atoms), _WIDTH):
        part = slice(start, start + _WIDTH)
        # What is missing for these atoms, before any of them changes.
        missing = moments.cross[part] - moments.second[part] @ atoms
        _correct(atoms[part], missing, moments.second[part, part], positive, kind)


def _sweep_any(atoms, moments, constraint):
    """The same for a constraint that kernels do not know, one projection an atom."""
    for j in np.flatnonzero(np.diag(moments.second) > 0):
        missing = moments.cross[j] - moments.second[j] @ atoms
        atoms[j] = constraint.project((atoms[j] + missing / moments.second[j, j])[None])[0]


@_jit.kernel
def _correct(atoms, missing, second, positive, kind):
    """Set some atoms to their minimisers in turn; `missing` follows every change."""
    n_atoms, n_features = atoms.shape
    change = np.empty(n_features, dtype=atoms.dtype)
    for j in range(n_atoms):
        if second[j, j] <= 0:
            continue
        squares = 0.0
        for f in range(n_features):
            value = atoms[j, f] + missing[j, f] / second[j, j]
            if positive:
                value = max(value, atoms.dtype.type(0))
            change[f] = value
            squares += np.float64(value) * value
        if squares == 0:
            # No direction fits; a norm of 1 cannot be had.
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
