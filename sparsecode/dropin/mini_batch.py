"""scikit-learn's `MiniBatchDictionaryLearning`, computed by the engine of this package."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval

from sparsecode._row_blocks import release
from sparsecode._typing import RandomState
from sparsecode._validation import check_random_state
from sparsecode.dropin._learning import LEARNING_CONSTRAINTS, DropInLearner
from sparsecode.learning import LearningState, alternate
from sparsecode.replacement import ReplaceAtoms
from sparsecode.updates import BlockUpdate

# Number of first steps without a check of the stopping criteria, unless an epoch is shorter.
_SETTLED = 100
# An unused atom is replaced after this number of samples, times the number of atoms.
_PATIENCE = 3


class MiniBatchDictionaryLearning(DropInLearner):
    """Online dictionary learning: `sklearn.decomposition.MiniBatchDictionaryLearning`, faster.

    Minimises the mean of ``1/2 ||x - z @ atoms||^2 + alpha ||z||_1`` over samples, for atoms of
    norm at most 1. Each step codes a batch to the optimum, then fits the atoms to all samples so
    far with the codes that they had; older samples have less weight. Unused atoms are replaced by
    the samples with the largest reconstruction error.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms; None is the number of features.
    alpha : float, default=1
        Weight of the l1 norm, absolute.
    max_iter : int, default=1000
        Maximum number of passes over the samples.
    fit_algorithm : {'lars', 'cd'}, default='lars'
        Both values name the same lasso solver and give the same codes. As in scikit-learn,
        `positive_code` needs 'cd'.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The result does not depend on it.
    batch_size : int, default=256
        Number of samples in a batch.
    shuffle : bool, default=True
        Whether the samples are shuffled first.
    dict_init : ndarray of shape (n_components, n_features) or None, default=None
        Initial atoms. None takes samples that are far from each other (k-means++).
    transform_algorithm : {'lasso_lars', 'lasso_cd', 'lars', 'omp', 'threshold'}, default='omp'
        As `algorithm` of `sparse_encode`.
    transform_n_nonzero_coefs : int or None, default=None
        Atoms for 'lars' and 'omp'; None is a tenth of the number of features.
    transform_alpha : float or None, default=None
        As `alpha` of `sparse_encode`. None is `alpha`, except for 'omp', which then has no target
        error.
    verbose : bool or int, default=False
        Whether every step prints its objective.
    split_sign : bool, default=False
        Whether positive and negative parts of the codes are separate features.
    random_state : int, RandomState instance or None, default=None
        Draws the samples that are the initial atoms, and the order of the samples. Another seed
        leads to another local minimum.
    positive_code : bool, default=False
        Whether codes must be non-negative.
    positive_dict : bool, default=False
        Whether atoms must be non-negative.
    transform_max_iter : int, default=1000
        Maximum number of lasso iterations for a sample, in `transform` and during learning.
    callback : callable or None, default=None
        Called after every step with a dict of ``"dictionary"``, ``"batch_cost"``, ``"X_batch"`` and
        the step ``"i"``.
    tol : float, default=1e-3
        Learning stops when a step changes the atoms by at most this: the norm of the change,
        divided by the number of atoms. 0 switches this criterion off.
    max_no_improvement : int or None, default=10
        Learning stops after this number of steps without a lower running mean of the objective of
        the batches. None switches this criterion off.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Atoms.
    n_iter_ : int
        Number of passes over the samples, incomplete ones included. Not set by `partial_fit`.
    n_steps_ : int
        Number of batches used for learning.
    n_features_in_ : int
        Number of features seen during fit.

    References
    ----------
    J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online dictionary learning for sparse coding",
    2009.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.dropin import MiniBatchDictionaryLearning
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> learner = MiniBatchDictionaryLearning(12, batch_size=10, max_iter=3, random_state=0)
    >>> learner.fit(X).n_iter_, learner.components_.shape
    (3, (12, 8))
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **LEARNING_CONSTRAINTS,
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "max_no_improvement": [Interval(Integral, 0, None, closed="left"), None],
    }

    components_: np.ndarray
    n_iter_: int
    n_steps_: int
    n_features_in_: int

    def __init__(
        self,
        n_components: int | None = None,
        *,
        alpha: float = 1,
        max_iter: int = 1_000,
        fit_algorithm: Literal["lars", "cd"] = "lars",
        n_jobs: int | None = None,
        batch_size: int = 256,
        shuffle: bool = True,
        dict_init: ArrayLike | None = None,
        transform_algorithm: Literal["lasso_lars", "lasso_cd", "lars", "omp", "threshold"] = "omp",
        transform_n_nonzero_coefs: int | None = None,
        transform_alpha: float | None = None,
        verbose: bool | int = False,
        split_sign: bool = False,
        random_state: RandomState = None,
        positive_code: bool = False,
        positive_dict: bool = False,
        transform_max_iter: int = 1000,
        callback: Callable[..., Any] | None = None,
        tol: float = 1e-3,
        max_no_improvement: int | None = 10,
    ) -> None:
        self.n_components = n_components
        self.alpha = alpha
        self.max_iter = max_iter
        self.fit_algorithm = fit_algorithm
        self.n_jobs = n_jobs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.dict_init = dict_init
        self.transform_algorithm = transform_algorithm
        self.transform_n_nonzero_coefs = transform_n_nonzero_coefs
        self.transform_alpha = transform_alpha
        self.verbose = verbose
        self.split_sign = split_sign
        self.random_state = random_state
        self.positive_code = positive_code
        self.positive_dict = positive_dict
        self.transform_max_iter = transform_max_iter
        self.callback = callback
        self.tol = tol
        self.max_no_improvement = max_no_improvement

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the atoms from scratch.

        If it is interrupted (Ctrl-C), the atoms of the last step are kept; the interrupt is then
        raised.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : MiniBatchDictionaryLearning
        """
        self._check_fit_algorithm()
        X = self._checked(X, order="C")
        rng = check_random_state(self.random_state)
        self._begin(X, rng, learns=self.max_iter > 0)
        order = rng.permutation(len(X)) if self.shuffle else np.arange(len(X))
        size = min(self.batch_size, len(X))
        per_epoch = -(-len(X) // size)
        watch = _Watch(self, len(X), self.max_iter * per_epoch)
        parts = [order[start : start + size] for start in range(0, len(X), size)]
        batches = (_taken(X, rows) for _ in range(self.max_iter) for rows in parts)
        shown, batches = itertools.tee(batches)
        states = self._states(batches)
        used = self.max_iter == 0
        try:
            for X_batch, state in zip(shown, states, strict=False):
                before, self._state = self._state, state
                used = used or state.l0 > 0
                if watch.is_done(before, state, len(X_batch)):
                    break
                if self.callback is not None:
                    known = {"dictionary": state.dictionary.atoms, "X_batch": X_batch}
                    self.callback({**known, "batch_cost": state.objective, "i": state.n_iter - 1})
        finally:
            self._store_state()
            self.n_iter_ = -(-self.n_steps_ // per_epoch)
        self._warn_if_nothing_learned(X, used)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Continue learning with one batch of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : MiniBatchDictionaryLearning
        """
        self._check_fit_algorithm()
        first = not hasattr(self, "components_")
        X = self._checked(X, order="C", reset=first)
        if first:
            self._begin(X, check_random_state(self.random_state), learns=True)
        elif not np.array_equal(self.components_, self._state.dictionary.atoms):
            # The atoms were set from outside: continue from these.
            atoms = self._state.dictionary.replace(atoms=self.components_)
            self._state = LearningState.start(atoms, self._update, self._replacement)
        for state in self._states([X]):
            self._state = state
        self._store_state()
        self._warn_if_nothing_learned(X, self._state.l0 > 0)
        return self

    # Attributes that code for scikit-learn's class may read.
    @property
    def _A(self):
        return _read_only(self._state.stats.past.second)

    @property
    def _B(self):
        return _read_only(self._state.stats.past.cross.T)

    def _begin(self, X, rng, *, learns):
        dictionary = self._first_dictionary(X, rng, learns=learns)
        self._update = BlockUpdate()
        patience = _PATIENCE * dictionary.n_components
        self._replacement = ReplaceAtoms(patience=patience, max_cosine=1.0)
        self._state = LearningState.start(dictionary, self._update, self._replacement)

    def _states(self, batches):
        dictionary = self._state.dictionary
        return alternate(
            self._encoder(dictionary),
            dictionary,
            batches,
            update=self._update,
            replacement=self._replacement,
            state=self._state,
            n_jobs=self.n_jobs,
        )

    def _store_state(self):
        self.components_ = np.array(self._state.dictionary.atoms)
        self.n_steps_ = self._state.n_iter


def _read_only(array):
    if sparse.issparse(array):
        # A copy for sparse statistics (many atoms), so that callers cannot change those of
        # learning.
        return array.copy()
    view = array.view()
    view.flags.writeable = False
    return view


class _Watch:
    """Stopping criteria of the steps."""

    def __init__(self, learner, n_samples, n_steps):
        self.learner, self.n_samples, self.n_steps = learner, n_samples, n_steps
        self.mean, self.least, self.n_worse = None, np.inf, 0

    def is_done(self, before: LearningState, state: LearningState, n_batch):
        """Whether `state`, after a batch of `n_batch` samples, is the last one."""
        learner, step = self.learner, state.n_iter
        text = f"step {step}/{self.n_steps}: mean objective of the batch {state.objective:.6g}"
        if step <= min(_SETTLED, self.n_samples / n_batch):
            learner._report(text)
            return False
        share = min(n_batch / (self.n_samples + 1), 1)
        mean = state.objective if self.mean is None else self.mean
        self.mean = mean + share * (state.objective - mean)
        learner._report(f"{text}, running mean {self.mean:.6g}")
        change = np.linalg.norm(state.dictionary.atoms - before.dictionary.atoms)
        if learner.tol > 0 and change / state.dictionary.n_components <= learner.tol:
            learner._report(f"the atoms change by less than tol, step {step}")
            return True
        self.n_worse = 0 if self.mean < self.least else self.n_worse + 1
        self.least = min(self.least, self.mean)
        if learner.max_no_improvement is not None and self.n_worse >= learner.max_no_improvement:
            learner._report(f"the objective does not improve, step {step}")
            return True
        return False


def _taken(X, rows):
    """Copy of some rows; pages of a memory map are released."""
    batch = X[rows]
    release(X)
    return batch
