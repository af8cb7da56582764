"""Replacement of unused and duplicate atoms by badly represented samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from sparsecode import _jit
from sparsecode._atom_products import FEW_ATOMS
from sparsecode._blas import single_threaded_blas
from sparsecode._messages import shown, wrong
from sparsecode._parameters import Parameterized
from sparsecode._typing import Codes
from sparsecode._validation import check_number

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

# A coefficient below this share of the largest one of its sample does not count as use.
_NEGLIGIBLE = 1e-3
_PATIENCE_AN_ATOM = 100
# Atoms that are compared with all others at a time.
_ROWS = 64


class ReplacementStats(NamedTuple):
    """Statistics of how often atoms are used, and the worst represented samples of the batch.

    Attributes
    ----------
    uses : ndarray of shape (n_components,)
        Number of the `seen` samples that used each atom.
    seen : ndarray of shape (n_components,)
        Number of samples since the atom was last checked or replaced.
    signed : bool
        Whether a coefficient was ever negative.
    unchecked : float
        Number of samples since atoms were last compared with each other.
    samples : ndarray of shape (n_worst, n_features)
        Centred samples since the last step, the worst represented first.
    squared_norms : ndarray of shape (n_worst,)
        Squared norms of their residuals, in decreasing order.
    """

    uses: np.ndarray
    seen: np.ndarray
    signed: bool
    unchecked: float
    samples: np.ndarray
    squared_norms: np.ndarray


@dataclass
class ReplaceAtoms(Parameterized, BaseEstimator):
    """Replace dead atoms, and one of two nearly equal atoms, by badly represented samples.

    A sample uses an atom if its coefficient is not zero and at least a thousandth of the largest
    coefficient of the sample. So there can also be dead atoms with a smooth penalty, whose codes
    are never exactly zero. An atom is checked each time it has seen `patience` samples. Atoms are
    compared with each other after as many new samples as there are atoms, which keeps the cost of
    their Gram matrix below that of coding. An atom and its negative count as equal unless all codes
    so far are non-negative. Zero atoms are replaced at once.

    The new atoms are the samples of the batch with the largest residuals, the largest first, scaled
    to norm 1 and projected on the constraint. A sample is skipped if its cosine with another atom
    exceeds `max_cosine`, or if its residual is only rounding. If no sample remains, atoms do not
    change.

    Gathering costs ``O(n_samples n_features)`` and one pass over the nonzero codes.

    Parameters
    ----------
    min_usage : float, default=0.0
        An atom is dead if at most this share of the samples used it. The default only replaces
        atoms that were never used, and keeps rare ones.
    patience : float or None, default=None
        Number of samples after which an atom is checked. None is 100 times the number of atoms;
        infinity never checks.
    max_cosine : float, default=0.99
        If the absolute cosine of two atoms exceeds this, the less used one is replaced. 1 compares
        no atoms.

    References
    ----------
    M. Aharon, M. Elad and A. Bruckstein, "K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation", 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.replacement import ReplaceAtoms
    >>> policy = ReplaceAtoms(patience=2)
    >>> dictionary = Dictionary([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> X, codes = np.array([[2.0, 0.0, 0.0], [1.0, 0.0, 3.0]]), np.array([[2.0, 0.0], [1.0, 0.0]])
    >>> residual = dictionary.residual(X, codes)
    >>> stats = policy.gather(X, codes, residual, dictionary, policy.init(dictionary))
    >>> dictionary, replaced, stats = policy.step(dictionary, stats)
    >>> replaced, dictionary.atoms[1].round(2)
    (array([1]), array([0.32, 0.  , 0.95]))
    """

    min_usage: float = 0.0
    patience: float | None = None
    max_cosine: float = 0.99

    def init(self, dictionary: Dictionary) -> ReplacementStats:
        """Return the statistics before any sample."""
        check_number(self.min_usage, "min_usage", low=0, high=1)
        check_number(self.max_cosine, "max_cosine", low=0, low_open=True, high=1)
        is_infinite = isinstance(self.patience, float) and self.patience == np.inf
        if self.patience is not None and not is_infinite:
            check_number(self.patience, "patience", low=1)
        nothing = np.zeros(dictionary.n_components)
        samples = np.empty((0, dictionary.n_features), dtype=dictionary.dtype)
        return ReplacementStats(nothing, nothing, False, 0.0, samples, np.empty(0))

    def gather(
        self,
        X: np.ndarray,
        codes: Codes,
        residual: np.ndarray,
        dictionary: Dictionary,
        stats: ReplacementStats,
        *,
        sample_weight: np.ndarray | None = None,
    ) -> ReplacementStats:
        """Count the use of the atoms, and keep the worst represented samples.

        Parameters
        ----------
        X, residual : ndarray of shape (n_samples, n_features)
            Samples before the offset is subtracted, and the residuals of their codes.
        codes : ndarray or csr_array of shape (n_samples, n_components)
        dictionary : Dictionary
        stats : ReplacementStats
        sample_weight : ndarray of shape (n_samples,) or None, default=None
            Samples of weight 0 do not count; all others count equally.

        Returns
        -------
        stats : ReplacementStats
        """
        squared_norms = np.einsum("ij,ij->i", residual, residual, dtype=np.float64)
        counted = (
            np.ones(len(squared_norms), dtype=bool) if sample_weight is None else sample_weight > 0
        )
        squared_norms[~counted] = 0
        squared_norms = np.concatenate([stats.squared_norms, squared_norms])
        worst = _largest(squared_norms, dictionary.n_components)
        is_old = worst < len(stats.squared_norms)
        samples = np.empty((len(worst), dictionary.n_features), dtype=dictionary.dtype)
        samples[is_old] = stats.samples[worst[is_old]]
        samples[~is_old] = dictionary.center(X[worst[~is_old] - len(stats.squared_norms)])
        n_counted = np.count_nonzero(counted)
        values = codes.data if sparse.issparse(codes) else codes
        return ReplacementStats(
            stats.uses + _uses(codes, counted),
            stats.seen + n_counted,
            stats.signed or bool(values.min(initial=0) < 0),
            stats.unchecked + n_counted,
            samples,
            squared_norms[worst],
        )

    def merge(self, stats: ReplacementStats, other: ReplacementStats) -> ReplacementStats:
        """Add the counts and the samples of other statistics, which began with `init`."""
        squared_norms = np.concatenate([stats.squared_norms, other.squared_norms])
        worst = np.argsort(-squared_norms, kind="stable")[: len(stats.uses)]
        samples = np.concatenate([stats.samples, other.samples])[worst]
        return ReplacementStats(
            stats.uses + other.uses,
            stats.seen + other.seen,
            stats.signed or other.signed,
            stats.unchecked + other.unchecked,
            samples,
            squared_norms[worst],
        )

    def step(
        self, dictionary: Dictionary, stats: Any
    ) -> tuple[Dictionary, np.ndarray, ReplacementStats]:
        """Replace atoms by samples gathered since the last step.

        Returns
        -------
        dictionary : Dictionary
            The same dictionary if nothing was replaced.
        replaced : ndarray of int
            Indices of the new atoms.
        stats : ReplacementStats
        """
        patience = self.patience
        if patience is None:
            patience = _PATIENCE_AN_ATOM * dictionary.n_components
        judged = stats.seen >= patience
        useless = judged & (stats.uses <= self.min_usage * stats.seen)
        useless |= dictionary.norms == 0
        unchecked = stats.unchecked
        if self.max_cosine < 1 and unchecked >= dictionary.n_components:
            unchecked = 0.0
            useless |= self._copies(dictionary, stats, useless)
        replaced = np.empty(0, dtype=np.int64)
        if useless.any():
            with single_threaded_blas():
                dictionary, replaced = self._replace(dictionary, useless, stats)
        uses, seen = np.where(judged, 0.0, stats.uses), np.where(judged, 0.0, stats.seen)
        uses[replaced], seen[replaced] = 0, 0
        stats = ReplacementStats(
            uses, seen, stats.signed, unchecked, stats.samples[:0], stats.squared_norms[:0]
        )
        return dictionary, replaced, stats

    def _copies(self, dictionary, stats, useless):
        """From each pair of too similar atoms the less used one, or the later one in a tie."""
        usage = stats.uses / np.maximum(stats.seen, 1)
        copies = np.zeros(len(usage), dtype=bool)
        # Norms of any dtype in one, for which the kernel is compiled.
        norms, limit = dictionary.norms.astype(np.float64), float(self.max_cosine)
        # A few rows at a time stay in the cache, and only later columns are new pairs.
        for start in range(0, len(norms), _ROWS):
            products = _products(dictionary, slice(start, start + _ROWS), start)
            mark_copies(products, start, norms, limit, stats.signed, usage, useless, copies)
        return copies

    def _replace(self, dictionary, useless, stats):
        """Put the worst represented samples in the place of useless atoms, in order."""
        atoms, replaced = np.array(dictionary.atoms), []
        norms = np.where(dictionary.norms == 0, 1, dictionary.norms)
        directions = (atoms / norms[:, None])[~useless]
        places = iter(np.flatnonzero(useless))
        limit = np.finfo(dictionary.dtype).eps
        for sample, squared_norm in zip(stats.samples, stats.squared_norms, strict=True):
            norm = np.linalg.norm(sample)
            if not squared_norm > limit * norm**2:
                continue
            atom = dictionary.constraint.project(sample[None] / norm)[0]
            length = np.linalg.norm(atom)
            if length == 0 or self._too_close(directions @ atom, length, stats).any():
                continue
            place = next(places, None)
            if place is None:
                break
            atoms[place] = atom
            replaced.append(place)
            directions = np.concatenate([directions, atom[None] / length])
        if not replaced:
            return dictionary, np.empty(0, dtype=np.int64)
        return dictionary.replace(atoms=atoms), np.array(replaced)

    def _too_close(self, products, norms, stats):
        products = np.abs(products) if stats.signed else products
        return products > self.max_cosine * norms


def _products(dictionary, rows, start):
    """Inner products of some atoms with all from one on, from `gram` if there are few."""
    if dictionary.n_components <= FEW_ATOMS:
        return dictionary.gram[rows, start:]
    return dictionary.atoms[rows] @ dictionary.atoms[start:].T


def _uses(codes, counted):
    """Number of samples that use each atom, among those of positive weight."""
    if not sparse.issparse(codes):
        sizes = np.abs(codes[counted])
        limits = _NEGLIGIBLE * sizes.max(axis=1, keepdims=True, initial=0)
        return np.count_nonzero((sizes >= limits) & (sizes > 0), axis=0)
    uses = np.zeros(codes.shape[1], dtype=np.int64)
    _count_uses(codes.indptr, codes.indices, codes.data, counted, uses)
    return uses


def _largest(values, n):
    """Indices of the `n` largest positive values in decreasing order; of equal ones the first."""
    candidates = np.flatnonzero(values > 0)
    if len(candidates) > n:
        bar = np.partition(values[candidates], -n)[-n]
        candidates = candidates[values[candidates] >= bar]
    return candidates[np.argsort(-values[candidates], kind="stable")[:n]]


def resolve_replacement(replacement: Any) -> Any:
    """Return a policy, given as an instance or a class, as an instance; None stays None."""
    if isinstance(replacement, type) and issubclass(replacement, ReplaceAtoms):
        return replacement()
    if replacement is not None and not isinstance(replacement, ReplaceAtoms):
        raise TypeError(
            wrong(
                "replacement",
                got=shown(replacement),
                expected="a ReplaceAtoms policy, its class, or None",
                remedy="Use replacement=None to leave all atoms as they are.",
            )
        )
    return replacement


@_jit.kernel
def mark_copies(products, start, norms, limit, signed, usage, useless, copies):
    """Mark the less used of two atoms whose cosine is above the limit, the later one in a tie.

    Row `i` and column `j` of the inner products are of atoms ``start + i`` and ``start + j``.
    """
    for a in range(products.shape[0]):
        i = start + a
        for b in range(a + 1, products.shape[1]):
            j, product = start + b, np.float64(products[a, b])
            size = abs(product) if signed else product
            if not size > limit * norms[i] * norms[j]:
                continue
            if not (useless[i] or useless[j] or copies[i] or copies[j]):
                copies[i if usage[i] < usage[j] else j] = True


@_jit.kernel
def _count_uses(starts, columns, values, counted, uses):
    """Count the samples that use each atom; coefficients that are negligible do not count."""
    for s in range(len(starts) - 1):
        if not counted[s]:
            continue
        largest = 0.0
        for e in range(starts[s], starts[s + 1]):
            largest = max(largest, abs(np.float64(values[e])))
        for e in range(starts[s], starts[s + 1]):
            size = abs(np.float64(values[e]))
            if size > 0 and size >= _NEGLIGIBLE * largest:
                uses[columns[e]] += 1
