"""Encoders of equal sparsity, so that comparisons are fair."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sparsecode._messages import shown
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_integer, check_number, check_rows
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.metrics import l0

if TYPE_CHECKING:
    from sparsecode.encoders.base import Encoder

# Factor between the values of the search for a bracket, and its largest number of steps.
_FACTOR, _MOST = 4.0, 40


class MatchedEncoder(NamedTuple):
    """Encoder whose weight or threshold gives codes of a target mean l0.

    Attributes
    ----------
    encoder : object
        With an `encode` method.
    value : float
        Weight or threshold that was set.
    l0 : float
        Mean number of nonzeros of its codes.

    Examples
    --------
    >>> from sparsecode.compare import match_l0
    >>> from sparsecode.encoders import Exact
    >>> matched = match_l0(Exact(), [[3.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], 1)
    >>> matched.l0, 1 <= matched.value < 3
    (1.0, True)
    """

    encoder: object
    value: float
    l0: float


def match_l0(
    encoder: Callable[..., Any] | Encoder,
    X: ArrayLike,
    dictionary: Dictionary | ArrayLike,
    target_l0: float,
    *,
    start: float = 1.0,
    tol: float = 0.01,
    max_iter: int = 60,
    threshold: float = 0.0,
) -> MatchedEncoder:
    """Set the weight or the threshold of an encoder so that its codes have a target mean l0.

    The search starts from `start` and looks for two values with the target between them. It then
    bisects their logarithms until the mean l0 is close enough. Each step encodes `X` once. A larger
    value should give fewer nonzeros.

    Parameters
    ----------
    encoder : callable or Encoder
        A function: ``encoder(value)`` returns an object with a method ``encode(X, dictionary)``,
        such as ``lambda value: Thresholding(L1(value))``. Or an encoder with a weighted `penalty`,
        such as `Exact`: the value is then the `alpha` of the penalty. The encoder is cloned, not
        changed.
    X : array-like of shape (n_samples, n_features)
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    target_l0 : float
        Mean number of nonzeros, above 0 and at most `n_components`.
    start : float, default=1.0
        First value that is tried, above 0.
    tol : float, default=0.01
        Largest difference from the target, relative to it.
    max_iter : int, default=60
        Maximum number of bisections.
    threshold : float, default=0.0
        A coefficient is nonzero where ``|z| > threshold``.

    Returns
    -------
    matched : MatchedEncoder
        Named tuple ``(encoder, value, l0)``, for the value whose l0 is closest to the target.

    Raises
    ------
    TypeError
        If `encoder` cannot be called and has no weighted penalty.
    ValueError
        If a number is out of its range, or no value gives the target.

    Warns
    -----
    ConvergenceWarning
        If `tol` was not reached. With few samples, the mean l0 changes in steps.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.compare import match_l0
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.encoders import Thresholding
    >>> from sparsecode.penalties import L1
    >>> dictionary = Dictionary.random(30, 12, random_state=0)
    >>> X = make_sparse_signals(200, n_nonzero=3, dictionary=dictionary, random_state=0).X
    >>> matched = match_l0(lambda value: Thresholding(L1(value)), X, dictionary, 3)
    >>> round(matched.l0, 1)
    3.0
    """
    dictionary = as_dictionary(dictionary)
    X = check_rows(X, "X", n_columns=dictionary.n_features)
    target_l0 = check_number(
        target_l0, "target_l0", low=0, low_open=True, high=dictionary.n_components
    )
    start = check_number(start, "start", low=0, low_open=True)
    tol = check_number(tol, "tol", low=0)
    max_iter = check_integer(max_iter, "max_iter")
    make = encoder if _is_family(encoder) else _family_of(encoder)
    search = closest_l0(
        make, X, dictionary, target_l0, start=start, tol=tol, max_iter=max_iter,
        mean_l0=lambda codes: float(l0(codes, threshold=threshold).mean()),
    )  # fmt: skip
    best = search.best
    if not search.is_between:
        raise ValueError(
            f"target_l0 is {target_l0:g}; expected a mean l0 that the encoder reaches on X. The "
            f"closest is {best.l0:g}, at {best.value:g}. Choose another target_l0, a larger start "
            "for sparser codes, or a lower threshold."
        )
    if abs(best.l0 - target_l0) > tol * target_l0:
        warnings.warn(
            f"match_l0: the closest mean l0 to {target_l0:g} is {best.l0:g}, at {best.value:g}. "
            "Raise tol or max_iter, or give more samples.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return best


def closest_l0(
    make: Callable[..., Any],
    X: MatrixLike,
    dictionary: Dictionary,
    target: np.ndarray | None,
    *,
    start: float,
    tol: float = 0.01,
    max_iter: int = 60,
    mean_l0: Callable[..., float],
    missing: bool = False,
) -> Any:
    """Search for the value at which the mean l0 of ``make(value)`` is closest to `target`."""
    search = _Search(make, X, dictionary, float(target), mean_l0, missing)
    search.run(float(start), tol * target, max_iter)
    return search


def _is_family(encoder):
    return callable(encoder) and not hasattr(encoder, "penalty")


def _family_of(encoder):
    """The function that sets the weight of an encoder's penalty."""
    penalty = getattr(encoder, "penalty", None)
    if isinstance(encoder, type) or not getattr(penalty, "weighted", False):
        raise TypeError(
            f"encoder is {shown(encoder)}; expected a function of one number that returns an "
            "encoder, or an encoder with a weighted penalty. Use for example lambda value: "
            "Exact(L1(value))."
        )

    def make(value):
        return clone(encoder).set_params(penalty=penalty._replace(alpha=value))

    return make


class _Search:
    """Bisection for the value at which the mean l0 of an encoder is the target."""

    def __init__(self, make, X, dictionary, target, mean_l0, missing):
        self.make, self.X, self.dictionary = make, X, dictionary
        self.target, self.mean_l0 = target, mean_l0
        self.options = {"missing": True} if missing else {}
        self.best = None
        # Whether two values with the target between them were found.
        self.is_between = True

    def __call__(self, value):
        """Mean l0 at a value, less the target."""
        encoder = self.make(value)
        codes = encoder.encode(self.X, self.dictionary, **self.options)
        mean = self.mean_l0(codes)
        excess = mean - self.target
        if self.best is None or abs(excess) < abs(self.best.l0 - self.target):
            self.best = MatchedEncoder(encoder, value, mean)
        return excess

    def run(self, value, slack, max_iter):
        low, high = self._bracket(value, slack)
        for _ in range(max_iter):
            if abs(self.best.l0 - self.target) <= slack or not self.is_between:
                return
            middle = float(np.sqrt(low * high))
            if self(middle) > 0:
                low = middle
            else:
                high = middle

    def _bracket(self, value, slack):
        """Bracket of the target: a value with too many nonzeros and one with too few, if found."""
        excess = self(value)
        factor = _FACTOR if excess > 0 else 1 / _FACTOR
        low = high = value
        for _ in range(_MOST):
            if abs(excess) <= slack:
                break
            low, high = min(value, value * factor), max(value, value * factor)
            value, before = value * factor, excess
            excess = self(value)
            if (excess > 0) != (before > 0):
                break
        else:
            self.is_between = False
        return low, high
