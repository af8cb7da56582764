"""scikit-learn's `DictionaryLearning`, computed by the engine of this package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context

from sparsecode._typing import RandomState
from sparsecode._validation import check_codes_shape, check_named_array, check_random_state
from sparsecode.dropin._learning import LEARNING_CONSTRAINTS, DropInLearner
from sparsecode.learning import alternate
from sparsecode.objective import objective
from sparsecode.replacement import ReplaceAtoms
from sparsecode.updates import BlockUpdate

# Passes over the atoms in a step. They cost little compared with coding.
_N_SWEEPS = 5
# Iterations between two calls of `callback`.
_CALL_EVERY = 5


class DictionaryLearning(DropInLearner):
    """Dictionary learning on all samples: `sklearn.decomposition.DictionaryLearning`, faster.

    Minimises ``1/2 ||X - code @ atoms||^2 + alpha * sum |code|`` over codes and atoms of norm at
    most 1. Each iteration codes all samples to the optimum, then fits the atoms one after the
    other. The objective falls with every iteration. Unused atoms are replaced by the samples with
    the largest reconstruction error.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms; None is the number of features.
    alpha : float, default=1.0
        Weight of the l1 norm, absolute.
    max_iter : int, default=1000
        Maximum number of iterations.
    tol : float, default=1e-8
        Learning stops when an iteration lowers the objective by less than this share of it.
    fit_algorithm : {'lars', 'cd'}, default='lars'
        Both values name the same lasso solver and give the same codes. As in scikit-learn,
        `positive_code` needs 'cd'.
    transform_algorithm : {'lasso_lars', 'lasso_cd', 'lars', 'omp', 'threshold'}, default='omp'
        As `algorithm` of `sparse_encode`.
    transform_n_nonzero_coefs : int or None, default=None
        Atoms for 'lars' and 'omp'; None is a tenth of the number of features.
    transform_alpha : float or None, default=None
        As `alpha` of `sparse_encode`. None is `alpha`, except for 'omp', which then has no target
        error.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The result does not depend on it.
    code_init : ndarray of shape (n_samples, n_components) or None, default=None
        Initial codes. Without `dict_init`, the initial atoms are the least squares fit to these
        codes. With `dict_init` they change nothing, as learning first codes on the given atoms.
    dict_init : ndarray of shape (n_components, n_features) or None, default=None
        Initial atoms. If `code_init` is None too, None takes samples that are far from each other
        (k-means++).
    callback : callable or None, default=None
        Called every fifth iteration with a dict of ``"dictionary"``, ``"errors"``,
        ``"current_cost"`` and the iteration ``"ii"``.
    verbose : bool or int, default=False
        Whether every iteration prints its objective.
    split_sign : bool, default=False
        Whether positive and negative parts of the codes are separate features.
    random_state : int, RandomState instance or None, default=None
        Draws the samples that are the initial atoms, and nothing else. Another seed leads to
        another local minimum.
    positive_code : bool, default=False
        Whether codes must be non-negative.
    positive_dict : bool, default=False
        Whether atoms must be non-negative.
    transform_max_iter : int, default=1000
        Maximum number of lasso iterations for a sample, in `transform` and during learning.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Atoms.
    error_ : list of float
        Objective after each iteration, at the optimal codes.
    n_iter_ : int
        Iterations.
    n_features_in_ : int
        Number of features seen during fit.

    See Also
    --------
    sparsecode.OlshausenField : Learns with another prior.

    References
    ----------
    J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online dictionary learning for sparse coding",
    2009.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.dropin import DictionaryLearning
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> learner = DictionaryLearning(12, max_iter=20, random_state=0).fit(X)
    >>> learner.components_.shape, learner.error_[-1] < learner.error_[0]
    ((12, 8), True)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **LEARNING_CONSTRAINTS,
        "code_init": [np.ndarray, None],
    }

    components_: np.ndarray
    error_: list[float]
    n_iter_: int
    n_features_in_: int

    def __init__(
        self,
        n_components: int | None = None,
        *,
        alpha: float = 1,
        max_iter: int = 1000,
        tol: float = 1e-8,
        fit_algorithm: Literal["lars", "cd"] = "lars",
        transform_algorithm: Literal["lasso_lars", "lasso_cd", "lars", "omp", "threshold"] = "omp",
        transform_n_nonzero_coefs: int | None = None,
        transform_alpha: float | None = None,
        n_jobs: int | None = None,
        code_init: ArrayLike | None = None,
        dict_init: ArrayLike | None = None,
        callback: Callable[..., Any] | None = None,
        verbose: bool | int = False,
        split_sign: bool = False,
        random_state: RandomState = None,
        positive_code: bool = False,
        positive_dict: bool = False,
        transform_max_iter: int = 1000,
    ) -> None:
        self.n_components = n_components
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.fit_algorithm = fit_algorithm
        self.transform_algorithm = transform_algorithm
        self.transform_n_nonzero_coefs = transform_n_nonzero_coefs
        self.transform_alpha = transform_alpha
        self.n_jobs = n_jobs
        self.code_init = code_init
        self.dict_init = dict_init
        self.callback = callback
        self.verbose = verbose
        self.split_sign = split_sign
        self.random_state = random_state
        self.positive_code = positive_code
        self.positive_dict = positive_dict
        self.transform_max_iter = transform_max_iter

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the atoms.

        If it is interrupted (Ctrl-C), the atoms of the last iteration are kept; the interrupt is
        then raised.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : DictionaryLearning
        """
        self.fit_transform(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: ArrayLike, y: Any = None) -> np.ndarray:
        """Learn the atoms, and return the optimal codes of the samples on them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        V : ndarray of shape (n_samples, n_components)
            Codes that minimise the objective of ``error_[-1]``, whatever `transform_algorithm` is.
            With `split_sign` of shape (n_samples, 2 * n_components), as `transform` gives them.
        """
        self._check_fit_algorithm()
        X = self._checked(X, order="C")
        rng = check_random_state(self.random_state)
        dictionary = self._first_dictionary(X, rng, learns=self.max_iter > 0)
        encoder = self._encoder(dictionary)
        dictionary = self._learn(X, encoder, dictionary)
        code = encoder.encode(X, dictionary, n_jobs=self.n_jobs)
        if self.n_iter_ > 0:
            cost = objective(X, code, dictionary, encoder.penalty, n_jobs=self.n_jobs)
            self.error_.append(float(cost.sum()))
        return self._split(code)

    def _learn(self, X, encoder, dictionary):
        """Learn and return the dictionary; set the fitted attributes, also after an interrupt.

        The objective after an iteration is known once the next iteration has coded with the new
        dictionary. So `error_` here lacks the objective of the last iteration.
        """
        states = alternate(
            encoder,
            dictionary,
            [X] * self.max_iter,
            update=BlockUpdate(n_sweeps=_N_SWEEPS),
            replacement=ReplaceAtoms(patience=len(X), max_cosine=1.0),
            full_batch=True,
            n_jobs=self.n_jobs,
        )
        errors, n_iter, used = [], 0, self.max_iter == 0
        try:
            for ii, state in enumerate(states):
                used = used or state.l0 > 0
                dictionary, n_iter = state.dictionary, state.n_iter
                cost = state.objective * len(X)
                self._report(f"iteration {ii}: objective {cost:.6g}, {state.seconds:.1f} s")
                if ii > 0:
                    errors.append(cost)
                if ii > 1 and errors[-2] - errors[-1] < self.tol * errors[-1]:
                    break
                if ii % _CALL_EVERY == 0 and self.callback is not None:
                    known = {"dictionary": dictionary.atoms, "errors": list(errors)}
                    self.callback({**known, "current_cost": cost, "ii": ii})
        finally:
            self.components_ = np.array(dictionary.atoms)
            self.error_, self.n_iter_ = errors, n_iter
        self._warn_if_nothing_learned(X, used)
        return dictionary

    def _first_dictionary(self, X, rng, *, learns):
        dictionary = super()._first_dictionary(X, rng, learns=learns)
        if self.code_init is None:
            return dictionary
        code = check_named_array(self.code_init, "code_init", dtype=X.dtype)
        if self.dict_init is not None:
            # Checked against the number of given atoms, which may differ from the number of learned
            # atoms.
            check_codes_shape(code, len(X), len(self.dict_init))
            return dictionary
        check_codes_shape(code, len(X), dictionary.n_components)
        return dictionary.replace(atoms=np.linalg.lstsq(code, X)[0])
