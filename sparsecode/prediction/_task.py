"""The task of a dictionary: a cost of codes and labels, and its gradient in all parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sparsecode._batches import Batch
from sparsecode._row_blocks import dense_rows
from sparsecode._statistics import products, residual_rows
from sparsecode.constraints import Constraint
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Exact
from sparsecode.implicit_gradients import code_gradient
from sparsecode.prediction._linear_model import LinearModel
from sparsecode.prediction.losses import PredictionLoss

DIVERGED = (
    "learning diverged: the cost, an atom or a coefficient became NaN or infinite. Lower lr, raise "
    "weight_decay, or rescale X."
)


class Evaluation(NamedTuple):
    """Cost of a batch, its gradient by the name of the parameter, and facts for the history."""

    cost: float
    prediction: float
    l0: float
    grads: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Task:
    """Task of a dictionary: to predict labels from exact codes and, in part, to reconstruct.

    The cost of samples ``x`` with labels ``y`` is ``(1 - unsupervised_weight) *
    mean(loss(z @ coef.T + intercept, y)) + unsupervised_weight * mean(min_z objective) +
    weight_decay / 2 * ||coef||^2``, where ``z`` is the code of ``x``, or of ``x @ input_map``.

    Parameters are a dict of arrays: ``"atoms"``, ``"coef"``, ``"intercept"`` and, if there is one,
    ``"input_map"``. Targets of a sample without label are NaN.

    Parameters
    ----------
    encoder : Exact
    loss : PredictionLoss
    constraint : Constraint
    offset : ndarray of shape (n_features,) or None, default=None
        Offset of the dictionary, which is not learned.
    weight_decay, unsupervised_weight : float, default=0.0
    n_jobs : int or None, default=None
    """

    encoder: Exact
    loss: PredictionLoss
    constraint: Constraint
    offset: np.ndarray | None = None
    weight_decay: float = 0.0
    unsupervised_weight: float = 0.0
    n_jobs: int | None = None

    def dictionary(self, params: dict[str, np.ndarray]) -> Dictionary:
        """View of the atoms as they are now."""
        return Dictionary.view(params["atoms"], self.offset, self.constraint)

    def encode(self, params: dict[str, np.ndarray], X: Any) -> Any:
        """Codes of samples, as a CSR array."""
        return self._encode(mapped(params, X), self.dictionary(params))

    def evaluate(self, params: dict[str, np.ndarray], batch: Batch) -> Evaluation:
        """Cost of a batch and its gradient.

        Raises
        ------
        FloatingPointError
            If a gradient is NaN or infinite.
        """
        dtype = params["atoms"].dtype
        X = dense_rows(batch.X, slice(0, batch.X.shape[0]), dtype)
        inner, dictionary = mapped(params, X), self.dictionary(params)
        codes = self._encode(inner, dictionary)
        weight = np.ones(len(X)) if batch.sample_weight is None else batch.sample_weight
        coef, share = params["coef"], 1 - self.unsupervised_weight
        scores = LinearModel(coef, params["intercept"]).scores(codes)
        prediction, dscores = self._predict(scores, batch.target, weight, share)
        grads = {
            "coef": (codes.T @ dscores).T + self.weight_decay * coef,
            "intercept": dscores.sum(axis=0),
        }
        options = {"n_jobs": self.n_jobs}
        dcodes = dscores @ coef
        if not np.isfinite(dcodes).all():
            raise FloatingPointError(DIVERGED)
        penalty = self.encoder.penalty
        implicit = code_gradient(inner, codes, dictionary, penalty, dcodes, **options)
        grads["atoms"] = implicit.atoms
        if "input_map" in params:
            grads["input_map"] = X.T @ implicit.X
        cost = share * prediction + self.weight_decay / 2 * float(np.vdot(coef, coef))
        if self.unsupervised_weight > 0:
            residual = residual_rows(inner, codes, dictionary, **options)
            values = np.einsum("ij,ij->i", residual, residual, dtype=np.float64) / 2
            values += penalty.value(codes)
            weight = self.unsupervised_weight * weight / weight.sum()
            cost += float(weight @ values)
            grads["atoms"] -= products(codes, residual, weight.astype(dtype), **options)
        l0 = codes.nnz / len(X)
        return Evaluation(cost, prediction, l0, grads)

    def project(self, params: dict[str, np.ndarray]) -> None:
        """Put the atoms back into their constraint, in place."""
        self.constraint.project(params["atoms"], out=params["atoms"])

    def _encode(self, X, dictionary):
        return self.encoder.encode(X, dictionary, sparse_output=True, n_jobs=self.n_jobs)

    def _predict(self, scores, targets, weight, factor):
        """Mean loss of the samples with a label, and its gradient in the scores times a factor."""
        weight = np.where(is_labelled(targets), weight, 0.0)
        total, dscores = weight.sum(), np.zeros_like(scores)
        if total == 0:
            return 0.0, dscores
        rows = weight > 0
        scores, targets, weight = scores[rows], targets[rows].astype(scores.dtype), weight[rows]
        values = self.loss.value(scores, targets).astype(np.float64)
        grads = self.loss.gradient(scores, targets)
        dscores[rows] = grads * (factor * weight / total).astype(scores.dtype)[:, None]
        return float(weight @ values / total), dscores


def mapped(params: dict[str, np.ndarray], X: Any) -> Any:
    """Samples after the linear map of the input, if there is one."""
    return X @ params["input_map"] if "input_map" in params else X


def is_labelled(targets: np.ndarray) -> np.ndarray:
    """Whether each sample has a label, from targets that are NaN where there is none."""
    return ~np.isnan(targets[:, 0])
