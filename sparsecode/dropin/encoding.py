"""scikit-learn's `sparse_encode`, computed by the solvers of this package."""

from __future__ import annotations

import time
import warnings
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sparsecode._plain import plain_arguments
from sparsecode._typing import MatrixLike
from sparsecode._validation import FLOAT_DTYPES, check_integer, check_named_array, unmasked
from sparsecode._zero_codes import warn_if_zero
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.dropin._lars import lars_codes
from sparsecode.dropin._least_l1 import LeastL1
from sparsecode.encoders import Exact
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import OMP, FeatureSign

ALGORITHMS: Any = StrOptions({"lasso_lars", "lasso_cd", "lars", "omp", "threshold"})
# Relative duality gap: what the type of the codes can hold.
_TOL = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 1e-6}
# Largest difference between a given and a computed `gram` or `cov` that counts as rounding,
# relative to the largest entry.
_ROUNDING = 1e-3


@plain_arguments
@validate_params(
    {
        "X": ["array-like"],
        "dictionary": ["array-like"],
        "gram": ["array-like", None],
        "cov": ["array-like", None],
        "algorithm": [ALGORITHMS],
        "n_nonzero_coefs": [Interval(Integral, 1, None, closed="left"), None],
        "alpha": [Interval(Real, 0, None, closed="left"), None],
        "copy_cov": ["boolean"],
        "init": ["array-like", None],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "check_input": ["boolean"],
        "verbose": ["verbose"],
        "positive": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def sparse_encode(
    X: ArrayLike,
    dictionary: ArrayLike,
    *,
    gram: ArrayLike | None = None,
    cov: ArrayLike | None = None,
    algorithm: Literal["lasso_lars", "lasso_cd", "lars", "omp", "threshold"] = "lasso_lars",
    n_nonzero_coefs: int | None = None,
    alpha: float | None = None,
    copy_cov: bool = True,
    init: ArrayLike | None = None,
    max_iter: int = 1000,
    n_jobs: int | None = None,
    check_input: bool = True,
    verbose: int = 0,
    positive: bool = False,
) -> np.ndarray:
    """Sparse coding of every row of `X`: `sklearn.decomposition.sparse_encode`, faster.

    The two lasso algorithms solve ``min_z 1/2 ||x - z @ dictionary||^2 + alpha ||z||_1``, over
    ``z >= 0`` with `positive`. Their cost is that of `sparsecode.solvers.FeatureSign`,
    ``O(k n_components + k^2)`` an iteration for `k` nonzeros.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    dictionary : array-like of shape (n_components, n_features)
        Atoms, of any norm.
    gram : array-like of shape (n_components, n_components) or None, default=None
        Gram matrix of the atoms. It is computed anyway, and a given one must agree with it.
    cov : array-like of shape (n_components, n_samples) or None, default=None
        Correlations ``dictionary @ X.T``. They are computed anyway, and given ones must agree.
    algorithm : {'lasso_lars', 'lasso_cd', 'lars', 'omp', 'threshold'}, default='lasso_lars'
        'lasso_lars' and 'lasso_cd' are two names of the lasso, and give the same codes. 'lars' is
        least angle regression until `n_nonzero_coefs` atoms are active. 'omp' is orthogonal
        matching pursuit. 'threshold' is soft thresholding of the correlations.
    n_nonzero_coefs : int or None, default=None
        Atoms for 'lars' and 'omp'; None is a tenth of the number of features.
    alpha : float or None, default=None
        Weight of the l1 norm, not scaled by the data; None is 1. 0 gives the least squares fit of
        smallest l1 norm. For 'threshold' it is the threshold. For 'omp' it is the target squared
        norm of the residual, in place of `n_nonzero_coefs`.
    copy_cov : bool, default=True
        False allows `cov` to be overwritten. `cov` is never overwritten.
    init : array-like of shape (n_samples, n_components) or None, default=None
        Initial codes of the lasso algorithms.
    max_iter : int, default=1000
        Maximum number of iterations of the lasso algorithms for a sample.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The codes do not depend on it.
    check_input : bool, default=True
        Whether `X` and `dictionary` may be other than float arrays.
    verbose : int, default=0
        Above 0, the time taken is printed.
    positive : bool, default=False
        Whether codes must be non-negative; not for 'lars' and 'omp'.

    Returns
    -------
    code : ndarray of shape (n_samples, n_components)
        float32 only if X and the dictionary both are.

    Raises
    ------
    ValueError
        If a parameter is wrong, shapes do not fit, or `gram` or `cov` belong to other data.

    Warns
    -----
    ConvergenceWarning
        If samples stopped at `max_iter`, or 'omp' could not reach `alpha`.

    Examples
    --------
    >>> from sparsecode.dropin import sparse_encode
    >>> sparse_encode([[2.0, 0.5]], [[1.0, 0.0], [0.0, 1.0]], alpha=0.25)
    array([[1.75, 0.25]])
    """
    if check_input:
        dictionary = _checked(dictionary, "dictionary")
        X = _checked(X, "X")
    if dictionary.shape[1] != X.shape[1]:
        raise ValueError(
            "Dictionary and X have different numbers of features: "
            f"dictionary.shape: {dictionary.shape} X.shape: {X.shape}. Both need the same columns."
        )
    check_positive(algorithm, positive)
    # scikit-learn takes True for 1.
    max_iter = check_integer(int(max_iter), "max_iter", low=0)
    if n_nonzero_coefs is not None:
        n_nonzero_coefs = check_integer(int(n_nonzero_coefs), "n_nonzero_coefs")
    if init is not None:
        init = check_named_array(init, "init", dtype=FLOAT_DTYPES)
    dictionary = promote(as_dictionary(dictionary), X)
    if gram is not None:
        _check_agrees(gram, dictionary.gram, "gram", "dictionary @ dictionary.T")
    if cov is not None:
        _check_agrees(cov, dictionary.correlate(X).T, "cov", "dictionary @ X.T")
    begin = time.perf_counter()
    code = encode(
        X,
        dictionary,
        algorithm=algorithm,
        n_nonzero_coefs=n_nonzero_coefs,
        alpha=alpha,
        init=init,
        max_iter=max_iter,
        n_jobs=n_jobs,
        positive=positive,
    )
    if alpha != 0 and max_iter > 0 and algorithm not in ("lars", "omp"):
        unit, weight = L1(positive=bool(positive)), 1.0 if alpha is None else alpha
        warn_if_zero(X, code, dictionary, unit, weight, stacklevel=6)
    if verbose:
        seconds = time.perf_counter() - begin
        print(f"[sparse_encode] {algorithm}: {len(X)} samples in {seconds:.2f} s")
    return code


def encode(
    X: MatrixLike,
    dictionary: Dictionary,
    *,
    algorithm: str,
    n_nonzero_coefs: int | None,
    alpha: float,
    init: Any,
    max_iter: int,
    n_jobs: int | None,
    positive: bool,
) -> Any:
    """Codes of `X` on a `Dictionary` by one of scikit-learn's algorithms, arguments checked."""
    if algorithm in ("lars", "omp"):
        n_nonzero = n_nonzero_coefs or min(max(X.shape[1] // 10, 1), dictionary.n_components)
        if algorithm == "lars":
            return lars_codes(X, dictionary, n_nonzero, n_jobs=n_jobs)
        constraint = _omp_constraint(n_nonzero, alpha, dictionary.n_components)
        return OMP().solve(X, dictionary, constraint, n_jobs=n_jobs).codes
    weight = 1.0 if alpha is None else float(alpha)
    if algorithm == "threshold":
        return L1(weight, positive=bool(positive)).prox(dictionary.correlate(X))
    if max_iter == 0:
        return _first_codes(X, dictionary, init)
    coder = lasso_encoder(dictionary.dtype, weight, positive, max_iter)
    return coder.encode(X, dictionary, codes=init, n_jobs=n_jobs)


def _checked(array, name):
    """Return a checked array; error messages begin like those of scikit-learn."""
    try:
        return check_array(unmasked(array, name), dtype=FLOAT_DTYPES)
    except (ValueError, TypeError) as error:
        # Some kinds of ValueError, as of text, cannot be made of a message alone.
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error} It was given as {name}.") from error


def check_positive(algorithm: str, positive: bool, name: str = "positive") -> None:
    """Raise ValueError where codes must be non-negative and the algorithm cannot do it."""
    if positive and algorithm in ("lars", "omp"):
        raise ValueError(
            f"Positive constraint not supported for '{algorithm}' coding method. Set {name} to "
            "False, or use 'lasso_lars', 'lasso_cd' or 'threshold'."
        )


def lasso_encoder(dtype: DTypeLike, alpha: float, positive: bool, max_iter: int) -> Any:
    """Encoder of the lasso, in `dtype`; with weight 0, the best fit of smallest l1 norm."""
    penalty = L1(float(alpha), positive=bool(positive))
    if alpha == 0:
        return LeastL1(penalty, max_iter=max_iter)
    return Exact(penalty, FeatureSign(max_iter=max_iter, tol=_TOL[np.dtype(dtype)]))


def _first_codes(X, dictionary, init):
    """Initial codes, returned with a warning if `max_iter` is 0."""
    warnings.warn(
        "max_iter is 0, so that the codes are the initial codes. Raise max_iter.",
        ConvergenceWarning,
        stacklevel=3,
    )
    shape = len(X), dictionary.n_components
    if init is None:
        return np.zeros(shape, dtype=dictionary.dtype)
    return np.array(np.broadcast_to(init, shape), dtype=dictionary.dtype)


def _omp_constraint(n_nonzero, error, n_components):
    if error is None:
        if n_nonzero > n_components:
            raise ValueError(
                "The number of atoms cannot be more than the number of features, here the "
                f"{n_components} atoms of the dictionary; got n_nonzero_coefs={n_nonzero}. Lower "
                "it (in an estimator, lower transform_n_nonzero_coefs)."
            )
        return KSparse(n_nonzero)
    # A target error of 0 allows every atom that helps.
    return KSparse(None, float(error)) if error > 0 else KSparse(n_components)


def _check_agrees(given, computed, name, formula):
    given = check_named_array(given, name, dtype=FLOAT_DTYPES)
    if given.shape != computed.shape:
        raise ValueError(
            f"{name} has shape {given.shape}; expected that of {formula}, {computed.shape}. Leave "
            "it out: it is computed when it is needed."
        )
    error = float(np.abs(given - computed).max())
    if error > _ROUNDING * float(np.abs(computed).max()):
        raise ValueError(
            f"{name} is not {formula}: entries differ by up to {error:.2g}. Leave it out: it is "
            "computed when it is needed."
        )
