"""The learning loop, which alternates between coding a batch and updating the dictionary."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from scipy import sparse

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode._collections import in_chunks, is_collection
from sparsecode._messages import shown
from sparsecode._row_blocks import dense_rows
from sparsecode._statistics import residual_rows
from sparsecode._validation import check_flag, check_n_jobs
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.replacement.atoms import ReplaceAtoms, resolve_replacement
from sparsecode.updates.base import Update, resolve_update

if TYPE_CHECKING:
    from sparsecode.encoders.base import Encoder

# Number of samples that are dense, coded and gathered at a time.
_PART = 8192
# The same for dense codes of many atoms: limit in bytes of codes, and smallest number of samples.
_CODE_BYTES, _FEWEST = 2**28, 64
# Largest entry of an atom; products of larger ones overflow.
_LARGEST = 1e100


@dataclass(frozen=True)
class LearningState:
    """State of dictionary learning after a batch, from which learning can resume.

    Attributes
    ----------
    dictionary : Dictionary
    stats : object
        Statistics of the update.
    n_iter : int
        Number of batches so far.
    objective : float
        Mean objective of the batch, with the dictionary it was coded with.
    weight : float
        Sum of the weights of the samples of the batch.
    l0 : float
        Mean number of nonzero coefficients of a sample of the batch.
    usage : ndarray of int of shape (n_components,)
        Number of samples of the batch that use each atom.
    n_replaced : int
        Number of atoms that were replaced after the batch.
    seconds : float
        Time of learning so far, in seconds.
    replacement_state : object
        State of the policy that replaces atoms.
    """

    dictionary: Dictionary
    stats: object
    n_iter: int = 0
    objective: float = np.nan
    weight: float = 0.0
    l0: float = np.nan
    usage: np.ndarray | None = None
    n_replaced: int = 0
    seconds: float = 0.0
    replacement_state: object = None

    @classmethod
    def start(cls, dictionary: Dictionary, update: Update, replacement: Any = None) -> Self:
        """State before the first batch."""
        policy = None if replacement is None else replacement.init(dictionary)
        return cls(dictionary, update.init(dictionary), replacement_state=policy)

    def again(self, update: Update, weight: float) -> Self:
        """State before another epoch over samples of this total weight."""
        return replace(self, stats=update.new_epoch(self.stats, weight))

    def after(self, other: Self) -> Self:
        """Same state with the counts of another state, to continue from these."""
        return replace(self, n_iter=other.n_iter, seconds=other.seconds)


def alternate(
    encoder: Encoder,
    dictionary: Dictionary,
    batches: Iterable[Any] | np.ndarray | sparse.csr_array,
    *,
    update: Update,
    replacement: ReplaceAtoms | None = None,
    state: LearningState | None = None,
    full_batch: bool = False,
    missing: bool = False,
    n_jobs: int | None = None,
) -> Iterator[Any]:
    """Learn a dictionary: code each batch, then update the atoms; yields after every batch.

    The caller holds the last state, so an interrupted loop loses at most one batch.

    Parameters
    ----------
    encoder : Exact
        Encoder of the batches, with the penalty of the objective.
    dictionary : Dictionary
        Initial dictionary.
    batches : iterable of Batch, ndarray or csr_array of shape (n_samples, n_features)
        Consumed one at a time; may be a generator that never ends. A batch may be larger than the
        memory (a memory map, a sparse matrix): it is read in parts, in the dtype of the dictionary.
    update : Update
    replacement : ReplaceAtoms or None, default=None
        Policy that replaces unused and nearly equal atoms; None keeps them.
    state : LearningState or None, default=None
        State from which to resume, in place of `dictionary`.
    full_batch : bool, default=False
        Whether every batch has all samples, so that the update forgets the previous batch.
    missing : bool, default=False
        Whether NaN in a batch means a missing entry. For the update it is filled with the
        reconstruction, so each step is a majorise-minimise step on the observed entries.
    n_jobs : int or None, default=None
        Threads; the answer does not depend on it.

    Yields
    ------
    state : LearningState

    Raises
    ------
    FloatingPointError
        If the atoms become NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Exact
    >>> from sparsecode.learning import alternate
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.updates import BlockUpdate
    >>> X = np.eye(4)
    >>> start = Dictionary.random(4, 4, random_state=0)
    >>> states = list(alternate(Exact(L1(0.1)), start, [X] * 50, update=BlockUpdate()))
    >>> states[-1].objective < states[0].objective
    True
    """
    if not (hasattr(encoder, "penalty") and hasattr(encoder, "encode")):
        raise TypeError(
            f"encoder is {shown(encoder)}; expected an encoder with a penalty. Use Exact(penalty)."
        )
    dictionary, update = as_dictionary(dictionary), resolve_update(update)
    replacement = resolve_replacement(replacement)
    full_batch = check_flag(full_batch, "full_batch")
    missing, n_jobs = check_flag(missing, "missing"), check_n_jobs(n_jobs)
    if not np.iterable(batches):
        raise TypeError(
            f"batches is {shown(batches)}; expected batches of samples to iterate over. Give for "
            "example [X], or a generator."
        )
    if state is None:
        state = LearningState.start(dictionary, update, replacement)
    if not isinstance(state, LearningState):
        raise TypeError(
            f"state is {shown(state)}; expected a LearningState, or None. Give the state of an "
            "earlier call."
        )
    learner = _Learner(encoder, update, replacement, full_batch, missing, n_jobs)
    for batch in batches:
        # One BLAS thread, so that rounding does not depend on the number of cores.
        with single_threaded_blas():
            state = learner.learn(_as_batch(batch), state)
        yield state


@dataclass
class _Learner:
    encoder: object
    update: object
    replacement: object
    full_batch: bool
    missing: bool
    n_jobs: int | None

    def learn(self, batch, state):
        """State after one more batch."""
        begin = time.perf_counter()
        dictionary, stats = state.dictionary, state.stats
        if self.full_batch:
            stats = self.update.forget(stats)
        known = _Gathered(_Tally(dictionary.n_components), stats, state.replacement_state)
        if is_collection(batch.X):
            tally, stats, policy = in_chunks("learning.gather", self, batch, dictionary, known)
        else:
            tally, stats, policy = self.gather(batch, dictionary, known)
        objective = tally.objective
        if not np.isfinite(objective):
            raise FloatingPointError(_DIVERGED)
        dictionary, stats = self._step(dictionary, stats)
        n_replaced = 0
        if self.replacement is not None:
            dictionary, replaced, policy = self.replacement.step(dictionary, policy)
            n_replaced = len(replaced)
            if n_replaced:
                stats = self.update.reset(stats, replaced)
        seconds = state.seconds + time.perf_counter() - begin
        return LearningState(
            dictionary,
            stats,
            state.n_iter + 1,
            objective,
            tally.weight,
            tally.l0,
            tally.usage,
            n_replaced,
            seconds,
            policy,
        )

    def nothing(self, dictionary):
        """Sums over no samples."""
        policy = None if self.replacement is None else self.replacement.init(dictionary)
        return _Gathered(_Tally(dictionary.n_components), self.update.init(dictionary), policy)

    def gather(self, batch, dictionary, known):
        """Code a batch, and add it to what is known of other samples."""
        tally, stats, policy = known
        for rows in self._parts(batch.X.shape[0], dictionary.n_components):
            X = dense_rows(batch.X, rows, dictionary.dtype)
            weight = None if batch.sample_weight is None else batch.sample_weight[rows]
            X, weight, _ = Batch(X, weight).counted()
            if len(X) == 0:
                continue
            X, codes, residual = self._code(X, dictionary)
            tally.add(self.encoder.penalty, codes, residual, weight)
            stats = self.update.gather(
                X, codes, dictionary, stats, sample_weight=weight, n_jobs=self.n_jobs
            )
            if self.replacement is not None:
                policy = self.replacement.gather(
                    X, codes, residual, dictionary, policy, sample_weight=weight
                )
        return _Gathered(tally, stats, policy)

    def merge(self, known, other):
        """Sums over the samples of both, the first ones first."""
        policy = known.policy
        if self.replacement is not None:
            policy = self.replacement.merge(policy, other.policy)
        stats = self.update.merge(known.stats, other.stats)
        return _Gathered(known.tally.merged(other.tally), stats, policy)

    def _parts(self, n_rows, n_components):
        step = _PART
        if self.encoder.penalty.smooth:
            # Smooth penalties have dense codes.
            step = min(step, max(_CODE_BYTES // (8 * n_components), _FEWEST))
        return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))

    def _code(self, X, dictionary):
        """Samples with missing entries filled, their codes, and the residuals."""
        penalty = self.encoder.penalty
        codes = self.encoder.encode(
            X,
            dictionary,
            missing=self.missing,
            sparse_output=not penalty.smooth,
            n_jobs=self.n_jobs,
        )
        if not np.isfinite(codes.sum()):
            raise FloatingPointError(_DIVERGED)
        residual = residual_rows(X, codes, dictionary, n_jobs=self.n_jobs)
        if self.missing:
            gone = np.isnan(X)
            if gone.any():
                X = np.where(gone, dictionary.decode(codes), X)
                residual[gone] = 0
        return X, codes, residual

    def _step(self, dictionary, stats):
        try:
            dictionary, stats = self.update.step(dictionary, stats, n_jobs=self.n_jobs)
        except ValueError as error:
            raise FloatingPointError(_DIVERGED) from error
        if max(float(dictionary.atoms.max()), -float(dictionary.atoms.min())) > _LARGEST:
            raise FloatingPointError(_DIVERGED)
        return dictionary, stats


class _Gathered(NamedTuple):
    """Sums over samples, with one dictionary: their tally, and statistics of the policies."""

    tally: Any
    stats: Any
    policy: Any


class _Tally:
    """Sums over the codes of a batch: objective, nonzeros and use of the atoms."""

    def __init__(self, n_components):
        self.cost, self.weight, self.n_samples = 0.0, 0.0, 0
        self.usage = np.zeros(n_components, dtype=np.int64)

    def add(self, penalty, codes, residual, weight):
        costs = np.einsum("ij,ij->i", residual, residual, dtype=np.float64) / 2
        costs += penalty.value(codes)
        weight = np.ones(len(costs)) if weight is None else weight
        self.cost += float(costs @ weight)
        self.weight += float(weight.sum())
        self.n_samples += len(costs)
        self.usage += _usage(codes)

    def merged(self, other):
        both = _Tally(len(self.usage))
        for name, value in vars(self).items():
            setattr(both, name, value + getattr(other, name))
        return both

    @property
    def objective(self):
        return self.cost / self.weight if self.weight > 0 else 0.0

    @property
    def l0(self):
        return float(self.usage.sum()) / max(self.n_samples, 1)


def _usage(codes):
    if hasattr(codes, "indices"):
        return np.bincount(codes.indices, minlength=codes.shape[1])
    return np.count_nonzero(codes, axis=0)


def _as_batch(batch):
    if isinstance(batch, Batch):
        return batch
    if np.ndim(batch) != 2 or not hasattr(batch, "dtype"):
        raise TypeError(
            f"an entry of batches is {shown(batch)}; expected a Batch, or samples of shape "
            "(n_samples, n_features). Give 2-D arrays."
        )
    return Batch(batch)


_DIVERGED = (
    "the dictionary diverged: an atom became NaN or infinite. Lower the learning rate, lower tol "
    "of the solver, or rescale X."
)
