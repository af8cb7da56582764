"""Convolutional dictionary learning: atoms whose shifts explain signals or images."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._convolution.dictionary import (
    ConvolutionalDictionary,
    as_convolutional,
    check_support,
)
from sparsecode._convolution.signals import check_signals
from sparsecode._convolutional_judge import check_l1
from sparsecode._interrupts import halt_if_told
from sparsecode._messages import shown, wrong
from sparsecode._typing import RandomState
from sparsecode._validation import (
    check_flag,
    check_integer,
    check_missing,
    check_n_jobs,
    check_number,
    check_random_state,
)
from sparsecode._values import check_option
from sparsecode.constraints import UnitBall
from sparsecode.convolutional._atom_updates import centred, updated_atoms, window_of
from sparsecode.convolutional._estimator import ConvolutionalEstimator
from sparsecode.convolutional._first_atoms import largest_parts, sampled_atoms
from sparsecode.convolutional._padding import BOUNDARIES, padded
from sparsecode.convolutional._statistics import Statistics
from sparsecode.convolutional.locally_greedy import LocallyGreedy
from sparsecode.penalties import L1

_INITS = ("samples", "greedy")
_N_STEPS = 30
# Atoms may be moved to the middle of their support in this share of the epochs.
_MOVING = 0.5


class ConvolutionalDictionaryLearning(ConvolutionalEstimator):
    """Atoms whose shifts explain signals or images, learned with exact codes.

    Solves ``min 1/2 sum_c ||x_c - sum_k z_k * d_kc||^2 + alpha * penalty(z)`` over codes of all
    signals and over atoms of norm at most 1: exact codes in turn with a pass over the atoms, which
    needs only sums of products of coefficients.

    Parameters
    ----------
    n_components : int
        Number of atoms.
    support : int or tuple of int
        Size of an atom: its number of times for series, its height and width for images.
    penalty : L1 or its class, default=L1
        ``L1(positive=True)`` for codes that are not negative.
    alpha : float, default=1.0
        Multiplies the weight of the penalty; not divided by the number of signals or times.
    boundary : {"valid", "zero"}, default="valid"
        Where atoms may be: inside the signal, or also sticking out of a signal that is zero outside.
    init : {"samples", "greedy"}, ConvolutionalDictionary or array-like, default="samples"
        First atoms: random parts of signals, or given ones. With "greedy" learning begins with one
        atom, and after each epoch the part of the residual with the most energy becomes another.
    rank1 : bool, default=False
        Whether an atom is the product of one pattern of channels and one of the support, as for
        sources that many sensors see.
    window : bool, default=False
        Whether atoms fall to zero at the border of their support.
    solver : LocallyGreedy or None, default=None
        Solver of `transform`. None is ``LocallyGreedy()``.
    n_epochs : int, default=50
        Most passes over the signals.
    n_sweeps : int, default=3
        Passes over the atoms in a step.
    batch_size : int or None, default=None
        Signals of a step. None is all, each coded from its last code. With a number, statistics of
        past steps are kept, and weigh less the older they are.
    tol : float, default=1e-4
        Learning ends when an epoch lowers the objective by less than this share. 0 runs all epochs.
        Looked at with ``batch_size=None`` only.
    missing : {None, "mask"}, default=None
        What NaN in `X` means: an error, or a missing entry. Learning fills it in with the
        reconstruction in every epoch.
    sparse_output : bool, default=False
        Whether codes of `transform` are a list of CSR arrays.
    random_state : int, RandomState instance or None, default=None
        Draws the first atoms and the order of batches.
    verbose : bool, default=False
        Whether to print a line for each epoch.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The answer does not depend on it.

    Attributes
    ----------
    dictionary_ : ConvolutionalDictionary
    components_ : ndarray of shape (n_components, n_channels, *support)
    history_ : dict of str to list of float
        "objective", the sum over signals, and "l0", the mean number of nonzeros of a signal, of
        each epoch, with the atoms before its step.
    n_iter_ : int
        Epochs, or calls of `partial_fit`.
    n_features_in_ : int
        Number of channels.

    References
    ----------
    M. Jas, T. Dupré la Tour, U. Şimşekli and A. Gramfort, "Learning the morphology of brain signals
    using alpha-stable convolutional sparse coding", 2017.

    T. Dupré la Tour, T. Moreau, M. Jas and A. Gramfort, "Multivariate convolutional sparse coding
    for electromagnetic brain signals", 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.convolutional import ConvolutionalDictionaryLearning
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.random((1, 1, 400)) < 0.03
    >>> atom = np.sin(np.linspace(0, 2 * np.pi, 16))
    >>> X = np.convolve(codes[0, 0], atom)[None]
    >>> learner = ConvolutionalDictionaryLearning(1, 16, alpha=0.1, random_state=0).fit(X)
    >>> bool(abs(learner.components_[0, 0] @ atom) / np.linalg.norm(atom) > 0.97)
    True
    """

    def __init__(
        self,
        n_components: int,
        support: int | tuple[int, ...],
        *,
        penalty: L1 | type[L1] = L1,
        alpha: float = 1.0,
        boundary: Literal["valid", "zero"] = "valid",
        init: str | ConvolutionalDictionary | ArrayLike = "samples",
        rank1: bool = False,
        window: bool = False,
        solver: LocallyGreedy | None = None,
        n_epochs: int = 50,
        n_sweeps: int = 3,
        batch_size: int | None = None,
        tol: float = 1e-4,
        missing: Literal["mask"] | None = None,
        sparse_output: bool = False,
        random_state: RandomState = None,
        verbose: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.support = support
        self.penalty = penalty
        self.alpha = alpha
        self.boundary = boundary
        self.init = init
        self.rank1 = rank1
        self.window = window
        self.solver = solver
        self.n_epochs = n_epochs
        self.n_sweeps = n_sweeps
        self.batch_size = batch_size
        self.tol = tol
        self.missing = missing
        self.sparse_output = sparse_output
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn atoms from signals.

        An interrupt (Ctrl-C) keeps the atoms of the last step.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width), or list of arrays
            Without the dimension of channels it is of one channel. Signals of a list may differ in
            size.
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : ConvolutionalDictionaryLearning
        """
        signals, rng = self._checked(X), check_random_state(self.random_state)
        first = self._first(signals, rng)
        self._begin(first)
        if self.batch_size is None:
            self._fit_all(signals)
        else:
            self._fit_batches(signals, rng)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Take one step with more signals, such as a segment of an endless recording.

        Parameters
        ----------
        X : array-like or list of arrays
            As for `fit`.
        y : None
            Ignored.

        Returns
        -------
        self : ConvolutionalDictionaryLearning
        """
        signals = self._checked(X)
        if not hasattr(self, "dictionary_"):
            self._begin(self._first(signals, check_random_state(self.random_state)))
        elif signals.n_channels != self.n_features_in_:
            raise ValueError(
                wrong(
                    "X",
                    got=f"signals of {signals.n_channels} channels",
                    expected=f"{self.n_features_in_}, as in the first call",
                    remedy="Give the same channels in every call.",
                )
            )
        self._take_batch(signals)
        self.n_iter_ += 1
        return self

    @property
    def components_(self):
        """Learned atoms, shape (n_components, n_channels, *support)."""
        return self.dictionary_.atoms

    def _checked(self, X):
        """The signals, when every parameter is right."""
        check_integer(self.n_components, "n_components")
        support = check_support(self.support)
        check_number(self.alpha, "alpha", low=0, low_open=True)
        check_number(self.tol, "tol", low=0)
        for name in ("n_epochs", "n_sweeps"):
            check_integer(getattr(self, name), name)
        if self.batch_size is not None:
            check_integer(self.batch_size, "batch_size")
        for name in ("rank1", "window", "sparse_output", "verbose"):
            check_flag(getattr(self, name), name)
        check_n_jobs(self.n_jobs)
        check_option(self.boundary, "boundary", BOUNDARIES)
        if isinstance(self.init, str):
            check_option(self.init, "init", _INITS)
        check_l1(self._penalty())
        self._solver()
        signals = check_signals(
            X,
            len(support),
            support=None if self.boundary == "zero" else support,
            missing=check_missing(self.missing) is not None,
        )
        return padded(signals, support, self.boundary)

    def _first(self, signals, rng):
        support = check_support(self.support)
        if not isinstance(self.init, str):
            given = as_convolutional(self.init)
            expected = (self.n_components, signals.n_channels, *support)
            if given.atoms.shape != expected:
                raise ValueError(
                    wrong(
                        "init",
                        got=f"atoms of shape {shown(given.atoms.shape)}",
                        expected=f"shape {shown(expected)}, as n_components, the channels of X and "
                        "support say",
                        remedy="Change init or these parameters.",
                    )
                )
            return UnitBall().project(given.planes.reshape(self.n_components, -1)).reshape(
                given.planes.shape
            )
        n_first = 1 if self.init == "greedy" else self.n_components
        atoms = sampled_atoms(signals.arrays, n_first, support, rng)
        if self.window:
            atoms = atoms * window_of(atoms.shape[2:])
        return atoms

    def _begin(self, atoms):
        dtype = np.float64
        self._atoms, self._past, self._dtype = atoms, None, dtype
        self.n_features_in_ = atoms.shape[1]
        self.history_, self.n_iter_ = {"objective": [], "l0": []}, 0
        self._keep(atoms)

    def _keep(self, atoms):
        shaped = atoms if len(check_support(self.support)) == 2 else atoms[..., 0]
        self._atoms = atoms
        self.dictionary_ = ConvolutionalDictionary(shaped, UnitBall())

    def _fit_all(self, signals):
        events, previous = None, np.inf
        for epoch in range(self.n_epochs):
            halt_if_told()
            events, residuals = self._coded(signals, events)
            objective = self.history_["objective"][-1]
            self._report(epoch, objective)
            grows = len(self._atoms) < self.n_components
            if not grows and previous - objective <= self.tol * abs(objective) and self.tol > 0:
                break
            previous = np.inf if grows else objective
            self._step(self._summed(signals, residuals, events), residuals)
            moved = epoch < _MOVING * self.n_epochs and self._centre()
            self.n_iter_ = epoch + 1
            if moved:
                # Codes belong to atoms elsewhere, and the objective may rise.
                events, previous = None, np.inf

    def _fit_batches(self, signals, rng):
        for epoch in range(self.n_epochs):
            order = rng.permutation(len(signals))
            for begin in range(0, len(order), self.batch_size):
                halt_if_told()
                self._take_batch(_some(signals, order[begin : begin + self.batch_size]))
            self._report(epoch, self.history_["objective"][-1])
            self.n_iter_ = epoch + 1

    def _take_batch(self, signals):
        events, residuals = self._coded(signals, None)
        new = self._summed(signals, residuals, events)
        if self._past is not None and self._past[0].correlations.shape == new.correlations.shape:
            past, n_steps = self._past
            new = past.plus(new, share=1 - 1 / (n_steps + 1))
            self._past = new, n_steps + 1
        else:
            self._past = new, 1
        self._step(new, residuals)

    def _coded(self, signals, starts):
        """Codes of signals with the atoms of now, and what they leave."""
        dictionary, penalty = self.dictionary_, self._penalty()
        solver = LocallyGreedy(tol=1e-3) if self.solver is None else self.solver
        events, _, _ = solver.solve_events(
            signals, dictionary, penalty, starts=starts, n_jobs=self.n_jobs
        )
        residuals = []
        thresholds = penalty.thresholds(dictionary.n_components)
        total, count = 0.0, 0
        for x, observed, one in zip(signals.arrays, signals.observed, events, strict=True):
            residual = x - one.decoded(dictionary.planes, x.shape)
            residual = residual if observed is None else residual * observed
            total += 0.5 * np.vdot(residual, residual)
            total += (thresholds[one.components] * np.abs(one.values)).sum()
            count += len(one.values)
            residuals.append(residual)
        self.history_["objective"].append(float(total))
        self.history_["l0"].append(count / len(signals))
        return events, residuals

    def _summed(self, signals, residuals, events):
        """Statistics of signals, whose missing entries are those of the reconstruction."""
        total = Statistics.none(self._atoms.shape)
        planes = self.dictionary_.planes
        for x, observed, residual, one in zip(
            signals.arrays, signals.observed, residuals, events, strict=True
        ):
            filled = x if observed is None else residual + one.decoded(planes, x.shape)
            total = total.plus(Statistics.of_signal(filled, one, self._atoms.shape))
        return total

    def _step(self, statistics, residuals):
        """A step on the atoms, of which unused ones are replaced and missing ones added."""
        window = window_of(self._atoms.shape[2:]) if self.window else None
        atoms = updated_atoms(
            self._atoms, statistics, n_sweeps=self.n_sweeps, n_steps=_N_STEPS, rank1=self.rank1,
            window=window,
        )  # fmt: skip
        unused = np.flatnonzero(statistics.uses == 0)
        n_new = int(len(atoms) < self.n_components)
        parts = largest_parts(residuals, len(unused) + n_new, check_support(self.support))
        if window is not None:
            parts = [part * window for part in parts]
        for k, part in zip(unused, parts, strict=False):
            atoms[k] = part
        if n_new and len(parts) > len(unused):
            atoms = np.concatenate([atoms, parts[-1][None]])
        self._keep(atoms)

    def _centre(self):
        atoms, moved = centred(self._atoms)
        if moved:
            self._keep(atoms)
        return moved

    def _report(self, epoch, objective):
        if self.verbose:
            print(
                f"epoch {epoch + 1}: objective {objective:.6g}, "
                f"{self.history_['l0'][-1]:.1f} nonzeros a signal"
            )


def _some(signals, order):
    return signals._replace(
        arrays=[signals.arrays[i] for i in order], observed=[signals.observed[i] for i in order]
    )
