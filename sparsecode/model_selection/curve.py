"""Curve of scores over a grid of numbers of atoms and weights of the penalty."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from sparsecode._messages import shown, wrong
from sparsecode._sample_moments import refuse_layer_norm
from sparsecode._validation import check_flag, check_integer, check_matrix, check_number
from sparsecode.metrics import bic, code_length, explained_variance, l0
from sparsecode.model_selection._refitting import refitted

# Whether a larger value is better.
_CRITERIA = {"bits": False, "bic": False, "objective": False, "explained_variance": True}


@dataclass(frozen=True, eq=False)
class SelectionCurve:
    """Scores of an estimator fitted at each point of a grid.

    Attributes
    ----------
    n_components : ndarray of int of shape (n_points,)
        Number of atoms of the fitted dictionary.
    alpha : ndarray of shape (n_points,)
        Factor of the weight of the penalty; NaN for an estimator without `alpha`.
    explained_variance : ndarray of shape (n_points,)
        See `sparsecode.metrics.explained_variance`.
    l0 : ndarray of shape (n_points,)
        Mean number of nonzero coefficients of a sample.
    objective : ndarray of shape (n_points,)
        Mean objective, which is the negative `score` of the estimator. It depends on `alpha`, so
        compare only points of the same `alpha`.
    bits : ndarray of shape (n_points,)
        See `sparsecode.metrics.code_length`.
    bic : ndarray of shape (n_points,)
        See `sparsecode.metrics.bic`.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.model_selection import SelectionCurve
    >>> scores = [np.array(values) for values in ([0.5, 0.9], [1, 2], [3, 2], [80, 70], [9, 8])]
    >>> curve = SelectionCurve(np.array([8, 16]), np.array([0.1, 0.1]), *scores)
    >>> curve.best("bits")
    {'n_components': 16, 'alpha': 0.1}
    """

    n_components: np.ndarray
    alpha: np.ndarray
    explained_variance: np.ndarray
    l0: np.ndarray
    objective: np.ndarray
    bits: np.ndarray
    bic: np.ndarray

    def best(
        self, criterion: Literal["bits", "bic", "objective", "explained_variance"] = "bits"
    ) -> dict[str, Any]:
        """Return the parameters of the best point of the grid by a criterion; of ties, the first.

        Parameters
        ----------
        criterion : {"bits", "bic", "objective", "explained_variance"}, default="bits"
            Use the last two with held-out samples: on training samples, more atoms and more
            coefficients are always better.

        Returns
        -------
        parameters : dict
            For the estimator's `set_params`: "n_components" and, if it has this parameter, "alpha".
        """
        i = self.index(criterion)
        parameters = {"n_components": int(self.n_components[i])}
        if not np.isnan(self.alpha[i]):
            parameters["alpha"] = float(self.alpha[i])
        return parameters

    def index(self, criterion: str = "bits") -> int:
        """Return the index of the best point; points where the criterion is NaN are ignored."""
        if not isinstance(criterion, str) or criterion not in _CRITERIA:
            raise ValueError(
                wrong(
                    "criterion",
                    got=shown(criterion),
                    expected=f"one of {', '.join(map(repr, _CRITERIA))}",
                    remedy="Choose one of these.",
                )
            )
        values = getattr(self, criterion)
        return int(np.nanargmax(values) if _CRITERIA[criterion] else np.nanargmin(values))

    def to_frame(self) -> Any:
        """Return the curve as a pandas DataFrame, one row for each point."""
        import pandas

        return pandas.DataFrame({field.name: getattr(self, field.name) for field in fields(self)})


def selection_curve(
    estimator: Any,
    X: ArrayLike,
    *,
    n_components: ArrayLike | None = None,
    alphas: ArrayLike | None = None,
    X_val: ArrayLike | None = None,
    debias: bool = False,
) -> SelectionCurve:
    """Grid search over the number of atoms and `alpha`: fit each point and score its dictionary.

    The cost of a point is one fit, and the coding of the scored samples. Points are fitted in
    turn, each on all threads, or side by side within ``joblib.parallel_config``, such as one with
    ``backend="dask"``.

    Parameters
    ----------
    estimator : estimator
        Estimator with a parameter `n_components`, a parameter `alpha` if `alphas` are given, and a
        `dictionary_` after `fit`, such as `sparsecode.DictionaryLearning`. It is cloned, not
        fitted. With an int as its `random_state`, points differ by their parameters only.
    X : array-like of shape (n_samples, n_features)
        Training samples.
    n_components : array-like of int of shape (n_sizes,) or None, default=None
        Numbers of atoms; None is `n_components` of the estimator.
    alphas : array-like of float of shape (n_alphas,) or None, default=None
        Weights, combined with each number of atoms; None is `alpha` of the estimator.
    X_val : array-like of shape (n_val, n_features) or None, default=None
        Samples that are scored; None is `X`. `bits` and `bic` count the cost of the dictionary, so
        they need no held-out samples.
    debias : bool, default=False
        Whether codes are refitted on their supports before all scores except the objective, see
        `sparsecode.debias`. Use it for penalties that shrink, to judge the supports alone.

    Returns
    -------
    curve : SelectionCurve
        One point for each pair; all alphas of the first number of atoms come first.

    Raises
    ------
    ValueError
        If the estimator lacks a parameter of the grid, or a value of the grid is wrong.

    Examples
    --------
    >>> from sparsecode import DictionaryLearning
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.model_selection import selection_curve
    >>> X = make_sparse_signals(400, 8, 8, n_nonzero=2, snr_db=30, random_state=0).X
    >>> model = DictionaryLearning(alpha=0.2, random_state=0)
    >>> selection_curve(model, X, n_components=[4, 8, 16], debias=True).best()
    {'n_components': 8, 'alpha': 0.2}
    """
    debias = check_flag(debias, "debias")
    if not hasattr(estimator, "set_params"):
        raise TypeError(
            f"estimator is {shown(estimator)}; expected an estimator with set_params and fit. Use "
            "for example DictionaryLearning()."
        )
    X = check_matrix(X, "X")
    scored = X if X_val is None else check_matrix(X_val, "X_val", n_columns=X.shape[1])
    fit = delayed(_fit_and_score)
    grid = _grid(n_components, alphas)
    rows = Parallel()(fit(estimator, parameters, X, scored, debias) for parameters in grid)
    return SelectionCurve(*(np.array(column) for column in zip(*rows, strict=True)))


def _grid(n_components, alphas):
    """Parameters of each point; those without a grid keep the value of the estimator."""
    sizes, weights = [{}], [{}]
    if n_components is not None:
        values = _listed(n_components, "n_components")
        sizes = [{"n_components": check_integer(k, "n_components")} for k in values]
    if alphas is not None:
        values = _listed(alphas, "alphas")
        weights = [{"alpha": float(check_number(alpha, "alphas", low=0))} for alpha in values]
    return [size | weight for size in sizes for weight in weights]


def _listed(values, name):
    """Return `values` if they are a non-empty list, else raise."""
    if isinstance(values, dict) or np.ndim(values) != 1 or len(values) == 0:
        raise ValueError(
            wrong(
                name,
                got=shown(values),
                expected="a list of at least one value, or None",
                remedy="Use None for the value of the estimator.",
            )
        )
    return values


def _fit_and_score(estimator, parameters, X, scored, debias):
    """The values of `SelectionCurve` of an estimator with other parameters."""
    return _score(clone(estimator).set_params(**parameters).fit(X), scored, debias)


def _score(model, X, debias):
    """The values of `SelectionCurve` at one point."""
    refuse_layer_norm(model, "selection_curve")
    if getattr(getattr(model, "_model", None), "data_term", None) is not None:
        model._model.check_linear("selection_curve")
    dictionary, codes = model.dictionary_, model.transform(X)
    if debias:
        codes = refitted(model, codes, X)
    return (
        dictionary.n_components,
        model.get_params().get("alpha", np.nan),
        explained_variance(X, dictionary.decode(codes)),
        float(l0(codes).mean()),
        -model.score(X),
        code_length(X, codes, dictionary),
        bic(X, codes, dictionary),
    )
