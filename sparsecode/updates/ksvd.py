"""K-SVD: updates of one atom at a time together with its coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, sparse

from sparsecode import _jit
from sparsecode._blas import single_threaded_blas
from sparsecode._interrupts import halt_flag, halt_if_told, is_halted
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import compress, stack_csr
from sparsecode._statistics import residual_rows
from sparsecode._validation import check_integer
from sparsecode.constraints import NonNegative
from sparsecode.dictionary import Dictionary
from sparsecode.updates.base import MOST_SWEEPS, Update

# Rounds of the non-negative rank-one fit, and the change of the atom at which it has converged.
_MAX_ROUNDS, _CONVERGED = 200, 1e-10
# Products of a sweep, about .2 seconds of one core.
_LONG = 5e7
# Entries: more than a loop handles at a time.
_ROOM = 64


class Samples(NamedTuple):
    """Some samples with their codes.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    codes : csr_array of shape (n_samples, n_components)
        Without explicit zeros.
    weight : ndarray of shape (n_samples,)
    """

    X: np.ndarray
    codes: sparse.csr_array
    weight: np.ndarray


class SampleStats(NamedTuple):
    """The samples since the last step, a tuple of `Samples`."""

    parts: tuple[Any, ...]


class _Users(NamedTuple):
    """Samples that use each atom: atom `j` has the entries `starts[j]` to `starts[j + 1]`."""

    starts: np.ndarray
    samples: np.ndarray
    coefficients: np.ndarray


class _RankOneUpdate(Update):
    """Base of K-SVD and its approximation; a subclass defines `_sweep`, which works in place.

    Atoms are updated in the order of the dictionary, so that the result depends on the arguments
    only. A random order is not needed: atoms drawn at random are already in random order.
    """

    def init(self, dictionary: Dictionary) -> SampleStats:
        check_integer(self.n_sweeps, "n_sweeps", high=MOST_SWEEPS)
        return SampleStats(())

    def gather(
        self,
        X: np.ndarray,
        codes: np.ndarray,
        dictionary: Dictionary,
        stats: Any,
        *,
        sample_weight: np.ndarray | None = None,
        n_jobs: int | None = None,
    ) -> SampleStats:
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        # Copies, because the caller may overwrite its arrays before the step.
        part = Samples(
            np.array(X, dtype=dictionary.dtype, order="C"),
            _support(codes, dictionary.dtype),
            np.array(weight, dtype=np.float64),
        )
        return SampleStats((*stats.parts, part))

    def step(
        self, dictionary: Dictionary, stats: Any, *, n_jobs: int | None = None
    ) -> tuple[Dictionary, Any]:
        if not stats.parts:
            return dictionary, stats
        X, codes, weight = _joined(stats.parts)
        atoms = np.array(dictionary.atoms)
        residual = _with_room(residual_rows(X, codes, dictionary, n_jobs=n_jobs))
        by_atom = codes.T.tocsr()
        users = _Users(by_atom.indptr, by_atom.indices, by_atom.data)
        positive = isinstance(dictionary.constraint, NonNegative)
        clip = positive and not (codes.data < 0).any()
        with single_threaded_blas():
            for _ in range(self.n_sweeps):
                halt_if_told()
                self._sweep(atoms, residual, users, weight, positive, clip)
        return dictionary.replace(atoms=atoms), SampleStats(())

    def forget(self, stats: Any) -> SampleStats:
        return SampleStats(())

    def reset(self, stats: Any, atoms: np.ndarray) -> SampleStats:
        return SampleStats(tuple(_without(part, atoms) for part in stats.parts))


@dataclass
class KSVD(_RankOneUpdate):
    """K-SVD: each atom and the coefficients of its users are the best rank-one fit.

    The users of an atom are the samples with a nonzero coefficient for it. For one atom after the
    other, the residuals of its users without this atom form a matrix of shape (n_users,
    n_features). Atom and coefficients are set to the best rank-one approximation of this matrix:
    the atom is the leading right singular vector. So every step decreases the error
    ``||X - offset - codes @ atoms||^2``, weighted by `sample_weight`, and keeps the support of the
    codes. A sweep costs ``O(nnz n_features min(n_users, n_features))`` with ``nnz`` nonzero
    coefficients, and one eigenvector of a matrix of the smaller dimension for each atom.

    K-SVD needs the samples themselves, so `gather` keeps a copy until the step. A step uses only
    the samples since the previous step. Use it in full-batch learning and with codes of few
    nonzeros (`KSparse`). Atoms that no sample uses do not change.

    Atoms have norm 1, which `UnitNorm`, `UnitBall` and `Free` all allow. With `NonNegative` it is
    the non-negative variant of K-SVD, which finds a non-negative atom by alternating minimisation.
    Coefficients stay non-negative if all of them are. The result is a stationary point, and never
    worse than before.

    Parameters
    ----------
    n_sweeps : int, default=1
        Passes over the atoms in a step, at most 10000. Each starts from the coefficients of the
        previous pass.

    References
    ----------
    M. Aharon, M. Elad and A. Bruckstein, "K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation", 2006; "K-SVD and its non-negative variant for
    dictionary design", 2005.

    L. Smith and M. Elad, "Improving dictionary learning: multiple dictionary updates and
    coefficient reuse", 2013 (several sweeps).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.updates import KSVD
    >>> update, dictionary = KSVD(), Dictionary([[1.0, 0.0]])
    >>> X, codes = np.array([[3.0, 4.0], [-6.0, -8.0]]), np.array([[3.0], [-6.0]])
    >>> dictionary, stats = update.update(X, codes, dictionary, update.init(dictionary))
    >>> dictionary.atoms.round(6)
    array([[0.6, 0.8]])
    """

    n_sweeps: int = 1

    def _sweep(self, atoms, residual, users, weight, positive, clip):
        for j in np.flatnonzero(np.diff(users.starts)):
            halt_if_told()
            span = slice(users.starts[j], users.starts[j + 1])
            rows, coefficients = users.samples[span], users.coefficients[span]
            # Residuals of the users without the atom.
            errors = residual[rows].astype(np.float64, copy=False)
            errors += coefficients[:, None] * atoms[j].astype(np.float64)
            if positive:
                atom = _nonnegative_direction(errors, coefficients, weight[rows], clip)
            else:
                atom = _leading_direction(errors, weight[rows])
            if atom is None:
                continue
            if atom @ atoms[j] < 0:
                atom = -atom
            atoms[j] = atom
            fitted = errors @ atom
            if clip:
                np.maximum(fitted, 0, out=fitted)
            errors -= fitted[:, None] * atom
            coefficients[:], residual[rows] = fitted, errors


@dataclass
class ApproximateKSVD(_RankOneUpdate):
    """Approximate K-SVD: `KSVD` with one round of alternating for each atom instead of an SVD.

    The atom is fitted to the coefficients of its users and scaled to norm 1; then the coefficients
    are fitted to the atom. Every step decreases the error, a little less than the best rank-one fit
    does. A sweep costs only ``O(nnz n_features)`` with ``nnz`` nonzero coefficients. Everything
    else is as in `KSVD`.

    Parameters
    ----------
    n_sweeps : int, default=1
        Passes over the atoms in a step, at most 10000. Each starts from the coefficients of the
        previous pass.

    References
    ----------
    R. Rubinstein, M. Zibulevsky and M. Elad, "Efficient implementation of the K-SVD algorithm using
    batch orthogonal matching pursuit", 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.updates import ApproximateKSVD
    >>> update, dictionary = ApproximateKSVD(), Dictionary([[1.0, 0.0]])
    >>> X, codes = np.array([[3.0, 4.0], [-6.0, -8.0]]), np.array([[3.0], [-6.0]])
    >>> dictionary, stats = update.update(X, codes, dictionary, update.init(dictionary))
    >>> dictionary.atoms.round(6)
    array([[0.6, 0.8]])
    """

    n_sweeps: int = 1

    def _sweep(self, atoms, residual, users, weight, positive, clip):
        def sweep(_):
            _alternate_once(atoms, residual, users, weight, positive, clip, halt_flag())

        # On another thread where it takes long, as an interrupt reaches the main thread only.
        is_long = len(users.samples) * atoms.shape[1] > _LONG
        map_row_blocks(sweep, 1, block_size=1, n_jobs=1, is_long=is_long)


def _support(codes, dtype):
    """Return the nonzeros of codes as a new CSR array."""
    if sparse.issparse(codes):
        codes = sparse.csr_array(codes, dtype=dtype, copy=True)
        codes.sum_duplicates()
        codes.eliminate_zeros()
        return codes
    codes = np.ascontiguousarray(codes, dtype=dtype)
    return stack_csr([compress(codes)], codes.shape[1])


def _joined(parts):
    if len(parts) == 1:
        return parts[0]
    X, codes, weight = zip(*parts, strict=True)
    return Samples(np.concatenate(X), sparse.vstack(codes, format="csr"), np.concatenate(weight))


def _without(part, atoms):
    """Return the same samples with the coefficients of some atoms removed."""
    codes = part.codes.copy()
    codes.data[np.isin(codes.indices, atoms)] = 0
    codes.eliminate_zeros()
    return part._replace(codes=codes)


def _leading_direction(errors, weight):
    """Leading right singular vector of the weighted rows; None if they are all 0."""
    if (weight != 1).any():
        errors = errors * np.sqrt(weight)[:, None]
    tall = len(errors) >= errors.shape[1]
    gram = errors.T @ errors if tall else errors @ errors.T
    last = len(gram) - 1
    values, vectors = linalg.eigh(
        gram, subset_by_index=(last, last), overwrite_a=True, check_finite=False
    )
    if values[0] <= 0:
        return None
    return vectors[:, 0] if tall else _normalized(vectors[:, 0] @ errors)


def _nonnegative_direction(errors, coefficients, weight, clip):
    """Return a non-negative atom by alternating from `coefficients`, or None if there is none."""
    atom = None
    for _ in range(_MAX_ROUNDS):
        last, atom = atom, _normalized(np.maximum((weight * coefficients) @ errors, 0))
        if atom is None or (last is not None and np.abs(atom - last).max() <= _CONVERGED):
            return last
        coefficients = errors @ atom
        if clip:
            coefficients = np.maximum(coefficients, 0)
    return atom


def _normalized(vector):
    norm = np.linalg.norm(vector)
    return vector / norm if norm > 0 else None


def _with_room(rows):
    """Return a copy with free memory before it: loops on adjacent arrays round differently."""
    before = _ROOM // rows.shape[1] + 1
    copy = np.zeros((before + len(rows), rows.shape[1]), dtype=rows.dtype)[before:]
    copy[:] = rows
    return copy


@_jit.kernel
def _alternate_once(atoms, residual, users, weight, positive, clip, halt):
    """Fit each atom to its coefficients, and these to the atom, in two passes over its users."""
    starts, samples, coefficients = users
    n_features = atoms.shape[1]
    # Room before each, as before the residual.
    old = np.empty(_ROOM + n_features, dtype=atoms.dtype)[_ROOM:]
    new = np.empty(_ROOM + n_features, dtype=atoms.dtype)[_ROOM:]
    total = np.empty(_ROOM + n_features, dtype=np.float64)[_ROOM:]
    for j in range(atoms.shape[0]):
        if is_halted(halt):
            return
        first, last = starts[j], starts[j + 1]
        old[:], total[:] = atoms[j], 0
        squared_norm = 0.0
        for e in range(first, last):
            i = samples[e]
            scale = weight[i] * coefficients[e]
            squared_norm += scale * coefficients[e]
            for f in range(n_features):
                total[f] += scale * residual[i, f]
        squares = 0.0
        for f in range(n_features):
            total[f] += squared_norm * old[f]
            if positive:
                total[f] = max(total[f], 0.0)
            squares += total[f] * total[f]
        if squares == 0:
            # No sample uses the atom, or no direction fits.
            continue
        overlap = 0.0
        for f in range(n_features):
            new[f] = total[f] / np.sqrt(squares)
            overlap += np.float64(old[f]) * new[f]
        atoms[j] = new
        for e in range(first, last):
            coefficients[e] = _refit(residual, samples[e], coefficients[e], old, new, overlap, clip)


@_jit.inner
def _refit(residual, i, before, old, new, overlap, clip):
    """Set the best coefficient of sample `i` for the new atom, and update its residual."""
    n_features = len(new)
    fitted = new.dtype.type(0)
    for f in range(n_features):
        fitted += residual[i, f] * new[f]
    fitted += new.dtype.type(before * overlap)
    if clip:
        fitted = max(fitted, new.dtype.type(0))
    for f in range(n_features):
        residual[i, f] += before * old[f] - fitted * new[f]
    return fitted
