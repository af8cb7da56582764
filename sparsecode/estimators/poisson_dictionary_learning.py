"""Dictionary learning for counts: non-negative atoms, sparse codes, and Poisson noise."""

from __future__ import annotations

import time
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._blas import single_threaded_blas
from sparsecode._collections import refuse_collection
from sparsecode._messages import shown, wrong
from sparsecode._typing import MatrixLike, RandomState, Weights
from sparsecode._validation import (
    check_integer,
    check_matrix,
    check_missing,
    check_n_jobs,
    check_number,
    check_random_state,
)
from sparsecode.data_terms import KullbackLeibler
from sparsecode.dictionary import Dictionary
from sparsecode.estimators import _saving, _scoring
from sparsecode.estimators._base import CodesEstimator, unchanged_on_error
from sparsecode.estimators._callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from sparsecode.estimators._count_learning import CountLearner
from sparsecode.estimators._early_stopping import Patience
from sparsecode.estimators._term_model import TermModel
from sparsecode.penalties import L1

# Epochs in a row that may fail to lower the objective.
_PATIENCE = 3
# Least share of a feature in an atom: counts that no sample of `fit` had are rare, not impossible.
_LEAST = 1e-9


class PoissonDictionaryLearning(CallbackSupportMixin, CodesEstimator):
    """Dictionary learning for counts, such as words of texts, photons or spikes.

    Minimises over codes and atoms that are not negative, where each atom has a sum of 1, the mean
    over samples of ``sum_f KL(x_f, (z @ atoms)_f) + alpha * sum(z)``: the l1 penalty and the
    generalized Kullback-Leibler divergence ``KL(x, y) = x log(x / y) - x + y``, which is minus the
    log likelihood of Poisson noise up to a constant. Multiplicative steps, each the minimum of a
    bound that touches the objective from above, never increase it. `transform` computes exact codes
    with a certificate.

    Parameters
    ----------
    n_components : int, default=8
        Number of atoms.
    alpha : float, default=1.0
        Weight of the l1 penalty of the codes, not negative. Codes have the unit of the counts,
        because atoms have a sum of 1, so that a sample of 100 counts hardly feels a weight of 0.1.
    init : "random" or array-like of shape (n_components, n_features), default="random"
        Initial atoms. "random" is the mean sample, each feature times a random number. Atoms that
        are given are not negative; an entry of 0 stays 0.
    n_epochs : int, default=500
        Largest number of rounds.
    n_inner : int, default=5
        Steps of the codes in a round, before the step of the atoms.
    tol : float, default=1e-4
        Relative tolerance of early stopping: learning ends if the objective has not decreased by
        this share for three rounds in a row. 0 never stops early.
    missing : {None, "mask"}, default=None
        How to treat missing entries: NaN in `X`, or masked entries of a masked array. None raises
        an error. "mask" leaves them out of the sum.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for the initial atoms.
    verbose : int or bool, default=0
        1 prints one line for each round.
    n_jobs : int or None, default=None
        Threads of `transform`; None uses all cores. Learning takes one.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_features)
        Atoms of the dictionary; each has a sum of 1.
    n_epochs_ : int
        Number of rounds.
    history_ : dict of str to list of float
        One entry for each round: mean ``"objective"`` after it, and ``"seconds"``.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    sparsecode.data_terms.encode : Exact codes for counts on atoms that are given.

    References
    ----------
    D. D. Lee and H. S. Seung, "Algorithms for non-negative matrix factorization", 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import PoissonDictionaryLearning
    >>> rng = np.random.default_rng(0)
    >>> topics = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]])
    >>> X = rng.poisson(rng.gamma(0.3, 30, (200, 2)) @ topics)
    >>> model = PoissonDictionaryLearning(2, alpha=0.1, random_state=0).fit(X)
    >>> sorted(model.components_.round(1).tolist())
    [[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 0.0, 0.0]]
    """

    dictionary_: Dictionary
    n_epochs_: int
    history_: dict[str, list[float]]

    _takes_sparse = False

    def __init__(
        self,
        n_components: int = 8,
        *,
        alpha: float = 1.0,
        init: str | ArrayLike = "random",
        n_epochs: int = 500,
        n_inner: int = 5,
        tol: float = 1e-4,
        missing: Literal["mask"] | None = None,
        random_state: RandomState = None,
        verbose: int | bool = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.alpha = alpha
        self.init = init
        self.n_epochs = n_epochs
        self.n_inner = n_inner
        self.tol = tol
        self.missing = missing
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    @with_callbacks
    def fit(self, X: MatrixLike, y: Any = None, sample_weight: Weights = None) -> Self:
        """Learn the atoms.

        If it is interrupted (Ctrl-C), the estimator keeps the atoms learned so far. The interrupt
        is then raised.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Counts, or other numbers that are not negative. Computed with in float64.
        y : None
            Ignored; present for scikit-learn's pipelines.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weight of each sample in the mean; 0 leaves the sample out.

        Returns
        -------
        self : PoissonDictionaryLearning
        """
        with unchanged_on_error(self):
            self._check_parameters()
            learner, dtype = self._start(X, sample_weight)
        tasks = FitTasks(self, X, y, self.n_epochs)
        patience, begin = Patience(self.tol, _PATIENCE), time.perf_counter()
        for epoch in range(self.n_epochs):
            tasks.begin_epoch()
            # One BLAS thread, so that rounding does not depend on the number of cores.
            with single_threaded_blas():
                for _ in range(self.n_inner):
                    learner.step_codes()
                learner.step_atoms()
                value = learner.objective()
            self._keep(learner, dtype)
            self.history_["objective"].append(value)
            self.history_["seconds"].append(time.perf_counter() - begin)
            self.n_epochs_ = epoch + 1
            if self.verbose:
                print(f"epoch {epoch + 1}: objective {value:.6g}", flush=True)
            stop = tasks.end_epoch()
            if patience.is_over(value, None) or stop:
                break
        tasks.end()
        return self

    score = _scoring.score
    score_samples = _scoring.score_samples
    certify = _scoring.certify
    save = _saving.save
    load = _saving.load

    @property
    def _model(self):
        penalty = L1(self.alpha, positive=True)
        return TermModel(self.dictionary_, KullbackLeibler(), penalty, self._missing)

    def _start(self, X, sample_weight):
        """Learner with initial atoms, and the type of the atoms."""
        refuse_collection(X, "Pass X.compute(), or some of its rows.")
        X, sample_weight = self._check_samples(X, sample_weight, reset=True)
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        samples = np.asarray(X, dtype=np.float64)
        least = np.nanmin(samples, initial=0)
        if least < 0:
            raise ValueError(
                f"Negative values in data passed to PoissonDictionaryLearning: X has {least:.3g}; "
                "expected counts >= 0. Do not center counts."
            )
        weight = np.ones(len(samples)) if sample_weight is None else np.asarray(sample_weight)
        learner = CountLearner(samples, weight.astype(np.float64), float(self.alpha))
        learner.start(self._first_atoms(learner.mean_sample()))
        self._begin_history()
        self._keep(learner, dtype)
        return learner, dtype

    def _begin_history(self):
        self.history_ = {"objective": [], "seconds": []}
        self.n_epochs_ = 0

    def _first_atoms(self, mean):
        shape = self.n_components, len(mean)
        if isinstance(self.init, str):
            rng = check_random_state(self.random_state)
            # A feature that nobody counted is as rare as any can be.
            return np.maximum(mean, _LEAST * max(mean.max(), 1)) * rng.uniform(0.1, 1.9, shape)
        atoms = check_matrix(self.init, "init", n_columns=shape[1]).astype(np.float64)
        if atoms.shape != shape or (atoms < 0).any() or not atoms.any(axis=1).all():
            raise ValueError(
                wrong(
                    "init",
                    got=f"an array of shape {atoms.shape} with entries from {atoms.min():.3g}",
                    expected=f"shape {shape}, entries >= 0, and an entry above 0 in each row",
                    remedy="Set n_components to the number of rows, and give such atoms.",
                )
            )
        return atoms

    def _keep(self, learner, dtype):
        atoms = np.maximum(learner.atoms, _LEAST)
        atoms /= atoms.sum(axis=1, keepdims=True)
        self.dictionary_ = Dictionary(atoms.astype(dtype))

    def _check_parameters(self):
        for name in ("n_components", "n_epochs", "n_inner"):
            check_integer(getattr(self, name), name)
        if not isinstance(self.verbose, bool):
            check_integer(self.verbose, "verbose", low=0)
        for name in ("alpha", "tol"):
            check_number(getattr(self, name), name, low=0)
        check_missing(self.missing)
        check_random_state(self.random_state)
        check_n_jobs(self.n_jobs)
        if isinstance(self.init, str) and self.init != "random":
            raise ValueError(
                wrong(
                    "init",
                    got=shown(self.init),
                    expected="'random', or an array of atoms",
                    remedy="Choose one of these.",
                )
            )
