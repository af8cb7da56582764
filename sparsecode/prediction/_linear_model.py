"""Linear models of codes, which minimise a loss of labels or targets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from sparsecode._batches import shares, weighted_mean
from sparsecode._blas import single_threaded_blas
from sparsecode._typing import MatrixLike
from sparsecode.prediction.losses import PredictionLoss

# Pairs of L-BFGS that are kept.
_MEMORY = 20


class LinearModel(NamedTuple):
    """Linear model of codes: ``scores = codes @ coef.T + intercept``.

    Attributes
    ----------
    coef : ndarray of shape (n_outputs, n_components)
    intercept : ndarray of shape (n_outputs,)
    """

    coef: np.ndarray
    intercept: np.ndarray

    def scores(self, codes: MatrixLike) -> np.ndarray:
        """Scores of codes, shape (n_samples, n_outputs)."""
        return codes @ self.coef.T + self.intercept


def fit_linear_model(
    codes: MatrixLike,
    targets: np.ndarray,
    loss: PredictionLoss,
    *,
    weight_decay: float = 0.0,
    sample_weight: np.ndarray | None = None,
    start: LinearModel | None = None,
    max_iter: int = 1000,
    tol: float = 1e-6,
) -> LinearModel:
    """Fit a linear model to codes by L-BFGS.

    Minimises ``mean(loss(codes @ coef.T + intercept, targets)) + weight_decay / 2 * ||coef||^2``,
    with a weighted mean; the intercept is not penalised.

    Parameters
    ----------
    codes : ndarray or csr_array of shape (n_samples, n_components)
    targets : ndarray of shape (n_samples, n_outputs)
    loss : PredictionLoss
    weight_decay : float, default=0.0
        Weight of half the squared norm of the coefficients.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights in the mean; None is 1 each.
    start : LinearModel or None, default=None
        Where to start; None is 0.
    max_iter : int, default=1000
        Most iterations.
    tol : float, default=1e-6
        Largest entry of the gradient at which to stop.

    Returns
    -------
    model : LinearModel
        In float64.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.prediction import Square
    >>> from sparsecode.prediction._linear_model import fit_linear_model
    >>> codes = np.array([[0.0], [1.0], [2.0]])
    >>> model = fit_linear_model(codes, 3 * codes + 1, Square())
    >>> model.coef.round(3), model.intercept.round(3)
    (array([[3.]]), array([1.]))
    """
    codes = codes.astype(np.float64)
    shape = targets.shape[1], codes.shape[1]
    share = shares(sample_weight, codes)

    def unpacked(flat):
        return LinearModel(flat[shape[0] :].reshape(shape), flat[: shape[0]])

    def cost(flat):
        model = unpacked(flat)
        scores = model.scores(codes)
        value = weighted_mean(loss.value(scores, targets), share)
        value += weight_decay / 2 * float(np.vdot(model.coef, model.coef))
        dscores = loss.gradient(scores, targets) * share
        dcoef = (codes.T @ dscores).T + weight_decay * model.coef
        return value, np.concatenate([dscores.sum(axis=0), dcoef.ravel()])

    if start is None:
        start = LinearModel(np.zeros(shape), np.zeros(shape[0]))
    flat = np.concatenate([start.intercept, start.coef.ravel()]).astype(np.float64)
    options = {"maxiter": max_iter, "maxcor": _MEMORY, "gtol": tol, "ftol": 1e-12}
    with single_threaded_blas():
        found = minimize(cost, flat, jac=True, method="L-BFGS-B", options=options)
    return unpacked(found.x)
