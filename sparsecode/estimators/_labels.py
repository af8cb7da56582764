"""Labels and numbers to predict: checks, classes, and the targets of the losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_named_array, naming
from sparsecode._values import sorted_labels
from sparsecode.prediction.losses import PredictionLoss, resolve_prediction_loss

# Label of a sample without one, as in scikit-learn.
UNLABELLED = -1
# Attributes of a fitted estimator that every prediction needs.
LEARNED = ("dictionary_", "coef_", "intercept_", "input_map_")


def loss_of(estimator: Any) -> PredictionLoss:
    """Loss of a task-driven estimator."""
    return resolve_prediction_loss(estimator.loss, estimator._losses)


def has_probabilities(estimator: Any) -> bool:
    """Whether the loss of an estimator gives probabilities; raises AttributeError if not."""
    loss = loss_of(estimator)
    if not loss.has_probabilities:
        raise AttributeError(
            f"predict_proba needs a loss with probabilities, but loss is {shown(estimator.loss)}; "
            "expected 'softmax' or 'logistic'. Use decision_function, or one of these."
        )
    return True


def checked_labels(y: Any) -> np.ndarray:
    """Labels as an array of shape (n_samples,), without NaN; of samples only `y` is looked at."""
    with naming("y"):
        y = column_or_1d(y, warn=True)
    return check_named_array(y, "y", ensure_2d=False, dtype=None)


def read_labels(
    self: Any, y: Any, sample_weight: Any, first: bool, classes: Any
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return targets of labels, NaN for samples without one, and factors of the weights or None.

    The first labels set `classes_`.
    """
    is_partial = classes is not None or not first
    y = checked_labels(y)
    seen = np.ones(len(y), dtype=bool)
    if self.unsupervised_weight > 0 and y.dtype.kind in "iufO":
        seen = np.asarray(y != UNLABELLED, dtype=bool)
    labels = y[seen]
    if labels.dtype.kind == "O":
        sorted_labels(labels, "y")
        # Without -1, which marks no label, these are strings or numbers again.
        labels = np.asarray(labels.tolist()) if len(labels) else labels
    check_classification_targets(labels if len(labels) else np.zeros(1, dtype=int))
    if first:
        self.classes_ = _classes_of(labels if classes is None else classes)
    elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
        raise ValueError(
            f"classes is {shown(classes)} but the first call had {shown(self.classes_.tolist())}; "
            "expected the same classes. Leave classes out after the first call."
        )
    return _encoded(self, labels, seen), _factors(self, labels, seen, is_partial)


def _encoded(estimator, labels, seen):
    classes = estimator.classes_
    index = np.searchsorted(classes, labels)
    index = np.minimum(index, len(classes) - 1)
    unknown = classes[index] != labels
    if np.any(unknown):
        raise ValueError(
            f"y has the label {shown(labels[unknown].tolist()[0])}; expected labels of the classes "
            f"{shown(classes.tolist())}. Give all classes that will ever come to the first "
            "partial_fit (classes=)."
        )
    targets = loss_of(estimator).encode(index, len(classes))
    found = np.full((len(seen), targets.shape[1]), np.nan)
    found[seen] = targets
    return found


def _factors(estimator, labels, seen, is_partial):
    """Factors of the weights of samples by `class_weight`, or None."""
    given = estimator.class_weight
    if given is None:
        return None
    if isinstance(given, str) and given == "balanced" and is_partial:
        raise ValueError(
            "class_weight is 'balanced' in partial_fit, which does not know how often classes "
            "come; expected a dict or None. Give a weight for each class."
        )
    if not isinstance(given, dict) and not (isinstance(given, str) and given == "balanced"):
        raise ValueError(
            wrong(
                "class_weight",
                got=shown(given),
                expected="a dict of classes and weights, 'balanced', or None",
                remedy="Use 'balanced' where some classes are rare.",
            )
        )
    factors = np.ones(len(seen))
    factors[seen] = compute_sample_weight(given, labels)
    return factors


def predicted(estimator: Any, decision: np.ndarray) -> np.ndarray:
    """Class of each sample, from one decision value for each class or, of two classes, one."""
    chosen = (decision > 0).astype(int) if decision.ndim == 1 else decision.argmax(axis=1)
    return estimator.classes_[chosen]


def _classes_of(labels):
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(
            f"y has {len(classes)} class, {shown(classes.tolist())}; expected at least two. Give "
            "samples of another class, or all classes to partial_fit (classes=)."
        )
    return classes


def in_units_of_scores(coef: np.ndarray, intercept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The linear model of scores itself."""
    return coef, intercept


def read_numbers(
    self: Any, y: Any, sample_weight: Any, first: bool, classes: Any
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return standardised targets, NaN for samples without one, and None: there are no factors.

    The first targets set their mean and their scale.
    """
    is_missing = self.unsupervised_weight > 0
    y = check_named_array(
        y,
        "y",
        ensure_2d=False,
        dtype=np.float64,
        ensure_all_finite="allow-nan" if is_missing else True,
    )
    flat = y.ndim == 1
    y = y[:, None] if flat else y
    seen = ~np.isnan(y).any(axis=1)
    if first:
        self._is_flat = flat
        known = y[seen]
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        share = weight[seen] / max(weight[seen].sum(), np.finfo(float).tiny)
        self.target_mean_ = share @ known
        self.target_scale_ = _deviations(known - self.target_mean_, share)
    elif y.shape[1] != len(self.target_mean_):
        raise ValueError(
            f"y has {y.shape[1]} targets but {type(self).__name__} was fitted to "
            f"{len(self.target_mean_)}; expected the same number. Call fit to start again."
        )
    targets = (y - self.target_mean_) / self.target_scale_
    targets[~seen] = np.nan
    return targets, None


def _deviations(offsets, share):
    """Standard deviation of each target, or 1 where it does not vary.

    Targets are divided by their largest one first, whose square could overflow or vanish.
    """
    largest = np.abs(offsets).max(axis=0, initial=0)
    largest = np.where(largest > 0, largest, 1.0)
    scale = largest * np.sqrt(share @ (offsets / largest) ** 2)
    return np.where(scale > 0, scale, 1.0)


def in_units_of_targets(
    self: Any, coef: np.ndarray, intercept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The linear model of standardised targets, in the units of the targets."""
    scale = self.target_scale_.astype(coef.dtype)
    mean = self.target_mean_.astype(coef.dtype)
    return coef * scale[:, None], intercept * scale + mean
