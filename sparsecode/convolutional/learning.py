"""Convolutional dictionary learning: atoms whose shifts explain signals or images."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._typing import RandomState
from sparsecode._validation import check_random_state
from sparsecode.convolutional._estimator import ConvolutionalEstimator
from sparsecode.convolutional._learning_run import LearningRun
from sparsecode.convolutional._settings import Settings
from sparsecode.convolutional.base import ConvolutionalSolver
from sparsecode.penalties import L1


class ConvolutionalDictionaryLearning(ConvolutionalEstimator):
    """Atoms whose shifts explain signals or images, learned with exact codes.

    Solves ``min 1/2 sum_c ||x_c - sum_k z_k * d_kc||^2 + alpha * penalty(z)`` over codes of all
    signals and over atoms of norm at most 1: exact codes in turn with a pass over the atoms, which
    needs only sums of products of coefficients.

    Atoms that no code uses are replaced by the part of the residual with the most energy. So is one
    of two nearly equal atoms, see `max_cosine`. When learning of all signals ends by `tol`, an atom
    with a similar one beside it that adds less than a fifth of the mean is exchanged too, and
    learning goes on: it keeps the former atoms unless the objective falls.

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
        Where atoms may be: inside the signal, or also sticking out of one that is zero outside.
    init : {"samples", "greedy"}, ConvolutionalDictionary or array-like, default="samples"
        First atoms: random parts of signals, or given ones. With "greedy" learning begins with one
        atom, and after each step but the last one the part of the residual with the most energy
        becomes another; there must be at least `n_components` steps. It ends less often with two
        atoms of the same pattern.
    rank1 : bool, default=False
        Whether an atom is the product of one pattern of channels and one of the support, as for
        sources that many sensors see.
    window : bool, default=False
        Whether atoms fall to zero at the border of their support.
    solver : LocallyGreedy, ConvolutionalFISTA or None, default=None
        Solver of codes, in learning and in `transform`. None is ``LocallyGreedy(tol=1e-3)`` in
        learning, where codes need not be exact to the last, and ``LocallyGreedy()`` in `transform`.
    n_epochs : int, default=50
        Most passes over the signals.
    n_sweeps : int, default=3
        Passes over the atoms in a step.
    batch_size : int or None, default=None
        Signals of a step. None is all, each coded from its last code. With a number, statistics of
        past steps are kept.
    forgetting : float, default=5.0
        Exponent of the weights of past steps, in batches and in `partial_fit`: after `t` steps,
        step `s` has the weight ``(s / t)**forgetting``. 0 weighs all alike.
    max_cosine : float, default=0.95
        If the absolute cosine of two atoms exceeds this at any shift, the less used one is
        replaced. With ``L1(positive=True)`` an atom and its negative are not alike. Atoms are
        compared in the first half of the epochs, and in every step of batches and of
        `partial_fit`. 1 compares none; exchanges at the end are made all the same.
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
    components_ : ndarray of shape (n_components, n_channels, ...)
    history_ : dict of str to list of float
        "objective", the sum over the signals of a step, and "l0", the mean number of nonzeros of a
        signal, of each step, with the atoms before it. A step is an epoch, or a batch with
        `batch_size` and in `partial_fit`. An epoch that `tol` ends has no step. After an exchange
        of atoms the objective may rise; entries of atoms that were not kept stay.
    n_iter_ : int
        Epochs, or calls of `partial_fit`.
    n_channels_ : int

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
    >>> atom = np.hanning(16) * np.sin(np.linspace(0, 4 * np.pi, 16))
    >>> X = np.convolve(codes[0, 0], atom)[None]
    >>> learner = ConvolutionalDictionaryLearning(1, 16, alpha=0.1, random_state=0).fit(X)
    >>> found = np.abs(np.convolve(learner.components_[0, 0], atom[::-1])).max()
    >>> bool(found / np.linalg.norm(atom) > 0.97)
    True
    """

    dictionary_: ConvolutionalDictionary
    n_channels_: int
    history_: dict[str, list[float]]
    n_iter_: int

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
        solver: ConvolutionalSolver | None = None,
        n_epochs: int = 50,
        n_sweeps: int = 3,
        batch_size: int | None = None,
        forgetting: float = 5.0,
        max_cosine: float = 0.95,
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
        self.forgetting = forgetting
        self.max_cosine = max_cosine
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
            size. A Dask array has whole signals in its chunks, which are coded where they lie;
            first atoms are parts of signals from 64 chunks at most.
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : ConvolutionalDictionaryLearning
        """
        settings, rng = Settings.of(self), check_random_state(self.random_state)
        signals = settings.signals(X)
        settings.check_steps(signals.n_signals)
        run = LearningRun(settings, settings.first_atoms(signals, rng), signals.dtype)
        try:
            if settings.batch_size is None:
                run.fit_all(signals)
            else:
                run.fit_batches(signals, rng)
        finally:
            self._take(run)
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
        settings, run = Settings.of(self), getattr(self, "_run", None)
        signals = settings.signals(X, None if run is None else run.dictionary.n_channels)
        if run is None:
            rng = check_random_state(self.random_state)
            run = LearningRun(settings, settings.first_atoms(signals, rng), signals.dtype)
        settings.check_goes_on(run.atoms)
        run.settings = settings
        run.take_batch(signals)
        run.n_iter += 1
        self._take(run)
        return self

    def _take(self, run):
        """Attributes of what was learned so far."""
        self._run = run
        self.dictionary_ = run.dictionary.astype(run.dtype)
        self.history_, self.n_iter_ = run.history, run.n_iter
        self.n_channels_ = run.dictionary.n_channels

    @property
    def components_(self) -> np.ndarray:
        """Learned atoms, shape (n_components, n_channels, ...)."""
        return self.dictionary_.atoms
