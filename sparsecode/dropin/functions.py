"""scikit-learn's `dict_learning` and `dict_learning_online`: the learners as functions."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sparsecode._plain import plain_arguments
from sparsecode._typing import RandomState
from sparsecode._validation import check_integer
from sparsecode.dropin.dictionary_learning import DictionaryLearning
from sparsecode.dropin.mini_batch import MiniBatchDictionaryLearning

_SHARED = {
    "X": ["array-like"],
    "method": [StrOptions({"lars", "cd"})],
    "method_max_iter": [Interval(Integral, 0, None, closed="left")],
}


@plain_arguments
@validate_params({**_SHARED, "return_n_iter": ["boolean"]}, prefer_skip_nested_validation=False)
def dict_learning(
    X: ArrayLike,
    n_components: int | None,
    *,
    alpha: float,
    max_iter: int = 100,
    tol: float = 1e-8,
    method: Literal["lars", "cd"] = "lars",
    n_jobs: int | None = None,
    dict_init: ArrayLike | None = None,
    code_init: ArrayLike | None = None,
    callback: Callable[..., Any] | None = None,
    verbose: bool | int = False,
    random_state: RandomState = None,
    return_n_iter: bool = False,
    positive_dict: bool = False,
    positive_code: bool = False,
    method_max_iter: int = 1000,
) -> Any:
    """Learn a dictionary from all samples: `sklearn.decomposition.dict_learning`, faster.

    The problem, the cost and the parameters are those of `DictionaryLearning`. `method` is its
    `fit_algorithm`, and `method_max_iter` its `transform_max_iter`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    n_components : int or None
    alpha : float
        Weight of the l1 norm, absolute.
    max_iter : int, default=100
    tol : float, default=1e-8
    method : {'lars', 'cd'}, default='lars'
    n_jobs : int or None, default=None
    dict_init : ndarray of shape (n_components, n_features) or None, default=None
    code_init : ndarray of shape (n_samples, n_components) or None, default=None
    callback : callable or None, default=None
    verbose : bool or int, default=False
    random_state : int, RandomState instance or None, default=None
    return_n_iter : bool, default=False
        Whether the number of iterations is returned too.
    positive_dict, positive_code : bool, default=False
    method_max_iter : int, default=1000

    Returns
    -------
    code : ndarray of shape (n_samples, n_components)
        Codes that minimise the objective for the dictionary.
    dictionary : ndarray of shape (n_components, n_features)
    errors : list of float
        The objective after each iteration.
    n_iter : int
        Returned only if `return_n_iter` is True.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.dropin import dict_learning
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> code, dictionary, errors = dict_learning(X, 12, alpha=0.5, max_iter=20, random_state=0)
    >>> code.shape, dictionary.shape
    ((50, 12), (12, 8))
    """
    learner = DictionaryLearning(
        n_components=n_components,
        alpha=alpha,
        max_iter=max_iter,
        tol=tol,
        fit_algorithm=method,
        n_jobs=n_jobs,
        dict_init=dict_init,
        code_init=code_init,
        callback=callback,
        verbose=verbose,
        random_state=random_state,
        positive_dict=positive_dict,
        positive_code=positive_code,
        transform_max_iter=check_integer(int(method_max_iter), "method_max_iter"),
    ).set_output(transform="default")
    code = learner.fit_transform(X)
    found = code, learner.components_, learner.error_
    return (*found, learner.n_iter_) if return_n_iter else found


@plain_arguments
@validate_params({**_SHARED, "return_code": ["boolean"]}, prefer_skip_nested_validation=False)
def dict_learning_online(
    X: ArrayLike,
    n_components: int | None = 2,
    *,
    alpha: float = 1,
    max_iter: int = 100,
    return_code: bool = True,
    dict_init: ArrayLike | None = None,
    callback: Callable[..., Any] | None = None,
    batch_size: int = 256,
    verbose: bool | int = False,
    shuffle: bool = True,
    n_jobs: int | None = None,
    method: Literal["lars", "cd"] = "lars",
    random_state: RandomState = None,
    positive_dict: bool = False,
    positive_code: bool = False,
    method_max_iter: int = 1000,
    tol: float = 1e-3,
    max_no_improvement: int | None = 10,
) -> Any:
    """Learn a dictionary from batches: `sklearn.decomposition.dict_learning_online`, faster.

    The problem, the cost and the parameters are those of `MiniBatchDictionaryLearning`. `method` is
    its `fit_algorithm`, and `method_max_iter` its `transform_max_iter`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    n_components : int or None, default=2
    alpha : float, default=1
        Weight of the l1 norm, absolute.
    max_iter : int, default=100
    return_code : bool, default=True
        Whether the codes are returned too.
    dict_init : ndarray of shape (n_components, n_features) or None, default=None
    callback : callable or None, default=None
    batch_size : int, default=256
    verbose : bool or int, default=False
    shuffle : bool, default=True
    n_jobs : int or None, default=None
    method : {'lars', 'cd'}, default='lars'
    random_state : int, RandomState instance or None, default=None
    positive_dict, positive_code : bool, default=False
    method_max_iter : int, default=1000
    tol : float, default=1e-3
    max_no_improvement : int or None, default=10

    Returns
    -------
    code : ndarray of shape (n_samples, n_components)
        Codes that minimise the objective for the dictionary. Returned only if `return_code` is
        True.
    dictionary : ndarray of shape (n_components, n_features)

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.dropin import dict_learning_online
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> code, dictionary = dict_learning_online(X, 12, alpha=0.5, max_iter=5, random_state=0)
    >>> code.shape, dictionary.shape
    ((50, 12), (12, 8))
    """
    learner = MiniBatchDictionaryLearning(
        n_components=n_components,
        alpha=alpha,
        max_iter=max_iter,
        fit_algorithm=method,
        n_jobs=n_jobs,
        batch_size=batch_size,
        shuffle=shuffle,
        dict_init=dict_init,
        transform_algorithm="lasso_" + method,
        transform_alpha=alpha,
        verbose=verbose,
        random_state=random_state,
        positive_code=positive_code,
        positive_dict=positive_dict,
        transform_max_iter=check_integer(int(method_max_iter), "method_max_iter"),
        callback=callback,
        tol=tol,
        max_no_improvement=max_no_improvement,
    ).set_output(transform="default")
    learner.fit(X)
    if not return_code:
        return learner.components_
    return learner.transform(X), learner.components_
