"""Archetypal analysis: atoms that are mixtures of samples, and codes that are shares of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._blas import single_threaded_blas
from sparsecode._collections import refuse_collection
from sparsecode._messages import shown, wrong
from sparsecode._typing import MatrixLike, RandomState, Weights
from sparsecode._validation import (
    check_integer,
    check_matrix,
    check_n_jobs,
    check_number,
    check_random_state,
)
from sparsecode.dictionary import Dictionary
from sparsecode.estimators import _saving, _scoring
from sparsecode.estimators._archetypes import Archetypes
from sparsecode.estimators._base import CodesEstimator, unchanged_on_error
from sparsecode.estimators._callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from sparsecode.estimators._early_stopping import Patience, print_epoch
from sparsecode.estimators._fitted_model import exact_model
from sparsecode.penalties import Penalty, Simplex
from sparsecode.solvers._default_solver import resolve_solver

if TYPE_CHECKING:
    from sparsecode.solvers.base import Solver

_INITS = ("furthest", "samples")
# Epochs in a row that may fail to lower the objective.
_PATIENCE = 3


class ArchetypalAnalysis(CallbackSupportMixin, CodesEstimator):
    """Archetypal analysis: samples as mixtures of archetypes, which are mixtures of samples.

    Minimises over codes `Z` and mixtures `B`, whose rows are not negative and have a sum of 1, the
    mean over samples of ``1/2 ||x - z @ B @ X||^2``. The archetypes ``B @ X`` are the atoms. They
    are extreme points of the data rather than typical ones, and look like samples. Codes and one
    archetype after the other are set to their best values, so that the objective never increases.
    It has local minima: of several initial archetypes keep those with the lowest.

    Parameters
    ----------
    n_components : int, default=8
        Number of archetypes, at most that of samples.
    init : {"furthest", "samples"} or array-like of shape (n_components, n_features), \
default="furthest"
        Initial archetypes. "furthest" takes samples far from each other, always the same ones;
        "samples" draws samples, better with `huber`, because the furthest ones are outliers. Atoms
        that are given are moved to the closest mixtures of samples.
    huber : float or None, default=None
        Norm of a residual from which on it counts linearly rather than by its square, so that
        outliers do not become archetypes: the cost of a sample is then ``huber * ||r|| - huber**2 /
        2``. In the units of `X`. None is infinity.
    solver : Solver or None, default=None
        Solver for codes and mixtures. None takes the one that `choose_solver` returns for
        `Simplex`.
    n_epochs : int, default=200
        Largest number of rounds.
    tol : float, default=1e-4
        Relative tolerance of early stopping: learning ends if the objective has not decreased by
        this share for three rounds in a row. 0 never stops early.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for ``init="samples"``.
    verbose : int or bool, default=0
        1 prints one line for each round.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The result does not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Archetypes.
    mixtures_ : ndarray of shape (n_components, n_samples)
        Share of each sample in each archetype. Rows have a sum of 1; of equal samples, the first
        has the share of all.
    n_epochs_ : int
        Number of rounds.
    history_ : dict of str to list of float
        One entry for each round: mean ``"objective"`` and ``"l0"`` before archetypes change,
        ``"dead_atoms"``, the number of archetypes that no sample used, and ``"seconds"``.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    sparsecode.penalties.Simplex : Shares of atoms that are given.

    References
    ----------
    A. Cutler and L. Breiman, "Archetypal analysis", 1994.

    M. Mørup and L. K. Hansen, "Archetypal analysis for machine learning and data mining", 2012.

    Y. Chen, J. Mairal and Z. Harchaoui, "Fast and robust archetypal analysis for representation
    learning", 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import ArchetypalAnalysis
    >>> corners = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
    >>> shares = np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    >>> X = np.concatenate([corners, shares @ corners])
    >>> model = ArchetypalAnalysis(3).fit(X)
    >>> sorted(model.components_.round(2).tolist())
    [[0.0, 0.0], [0.0, 2.0], [4.0, 0.0]]
    >>> model.transform([[1.0, 1.0]]).sum().round(6)
    np.float64(1.0)
    """

    dictionary_: Dictionary
    mixtures_: np.ndarray
    n_epochs_: int
    history_: dict[str, list[float]]

    _takes_sparse = False
    # What codes are made by, as in the siblings that choose it.
    penalty: ClassVar[Penalty] = Simplex()
    alpha: ClassVar[float] = 1.0
    missing: ClassVar[None] = None

    def __init__(
        self,
        n_components: int = 8,
        *,
        init: str | ArrayLike = "furthest",
        huber: float | None = None,
        solver: Solver | None = None,
        n_epochs: int = 200,
        tol: float = 1e-4,
        random_state: RandomState = None,
        verbose: int | bool = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.init = init
        self.huber = huber
        self.solver = solver
        self.n_epochs = n_epochs
        self.tol = tol
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    @with_callbacks
    def fit(self, X: MatrixLike, y: Any = None, sample_weight: Weights = None) -> Self:
        """Find the archetypes.

        If it is interrupted (Ctrl-C), the estimator keeps the archetypes found so far. The
        interrupt is then raised.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Computed with in float64.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out, also of the mixtures.

        Returns
        -------
        self : ArchetypalAnalysis
        """
        with unchanged_on_error(self):
            solver = self._check_parameters()
            found, rows, dtype = self._start(X, sample_weight, solver)
        tasks = FitTasks(self, X, y, self.n_epochs)
        patience, begin = Patience(self.tol, _PATIENCE), time.perf_counter()
        for epoch in range(self.n_epochs):
            tasks.begin_epoch()
            # One BLAS thread, so that rounding does not depend on the number of cores.
            with single_threaded_blas():
                found.encode()
                found.improve()
            self._keep(found, rows, dtype)
            usage = np.count_nonzero(found.codes, axis=0)
            row = (
                found.objective,
                usage.sum() / len(found.codes),
                np.count_nonzero(usage == 0),
                time.perf_counter() - begin,
            )
            for name, value in zip(self.history_, row, strict=True):
                self.history_[name].append(float(value))
            self.n_epochs_ = epoch + 1
            if self.verbose:
                print_epoch(epoch + 1, found.objective, self.history_)
            stop = tasks.end_epoch()
            if patience.is_over(found.objective, None) or stop:
                break
        tasks.end()
        return self

    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    save = _saving.save
    load = _saving.load

    def _start(self, X, sample_weight, solver):
        """First archetypes, the indices of their samples, and the type of the atoms."""
        refuse_collection(X, "Pass X.compute(), or some of its rows.")
        X, sample_weight = self._check_samples(X, sample_weight, reset=True)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
        # Equal samples count as one, of their weight together, in an order that is always the same.
        counted = np.flatnonzero(weight > 0)
        _, first, copy_of = np.unique(X[counted], axis=0, return_index=True, return_inverse=True)
        weight = np.bincount(np.ravel(copy_of), weights=weight[counted])
        rows = counted[first]
        samples = np.ascontiguousarray(X[rows], dtype=np.float64)
        if isinstance(self.init, str):
            n_components = self.n_components
            if n_components > len(samples):
                raise ValueError(
                    f"n_components is {n_components} but X has {len(samples)} sample(s) that "
                    f"differ and count (n_samples={len(X)}); expected at most as many archetypes. "
                    "Lower n_components."
                )
        else:
            shape = check_matrix(self.init, "init", n_columns=X.shape[1]).shape
            if shape[0] != self.n_components:
                raise ValueError(
                    f"init has {shape[0]} rows but n_components is {self.n_components}; expected "
                    "one row for each archetype. Set n_components to that number."
                )
        found = Archetypes(samples, weight, self.huber, solver, self.n_jobs)
        found.start(self.init, self.n_components, check_random_state(self.random_state))
        self._begin_history()
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        self.mixtures_ = np.zeros((self.n_components, len(X)), dtype)
        self._keep(found, rows, dtype)
        return found, rows, dtype

    def _begin_history(self):
        self.history_ = {name: [] for name in ("objective", "l0", "dead_atoms", "seconds")}
        self.n_epochs_ = 0

    def _keep(self, found, rows, dtype):
        """Store archetypes and mixtures as those of the estimator."""
        self.mixtures_[:, rows] = found.mixtures
        self.dictionary_ = Dictionary(found.atoms.astype(dtype))
        exact_model(self)

    def _check_parameters(self):
        """Raise if a parameter is wrong; return the solver."""
        for name in ("n_components", "n_epochs"):
            check_integer(getattr(self, name), name)
        if not isinstance(self.verbose, bool):
            check_integer(self.verbose, "verbose", low=0)
        check_number(self.tol, "tol", low=0)
        if self.huber is not None:
            check_number(self.huber, "huber", low=0, low_open=True)
        check_random_state(self.random_state)
        check_n_jobs(self.n_jobs)
        if isinstance(self.init, str) and self.init not in _INITS:
            raise ValueError(
                wrong(
                    "init",
                    got=shown(self.init),
                    expected=f"one of {', '.join(map(repr, _INITS))}, or an array of archetypes",
                    remedy="Choose one of these.",
                )
            )
        return resolve_solver(self.solver, self.penalty)

    @property
    def _model(self):
        return exact_model(self)
