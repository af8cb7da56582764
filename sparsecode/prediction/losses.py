"""Losses of labels and targets, as functions of linear scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, log_softmax, softmax
from sklearn.base import BaseEstimator

from sparsecode._messages import shown, wrong
from sparsecode._parameters import Parameterized


class PredictionLoss(Parameterized, BaseEstimator):
    """Base of the losses of labels: a value for each sample, and the gradient in its scores.

    Scores have a column for each output, ``codes @ coef.T + intercept``. Targets of labels are made
    by `encode`. A subclass defines `value` and `gradient`.

    Attributes
    ----------
    has_probabilities : bool
        Whether scores can be turned into probabilities of classes.
    of_labels : bool
        Whether the targets must be labels, and not any numbers.
    """

    has_probabilities: ClassVar[bool] = False
    of_labels: ClassVar[bool] = True

    def encode(self, labels: np.ndarray, n_classes: int) -> np.ndarray:
        """Targets of labels: 1 for the class of a sample and -1 for the others.

        Parameters
        ----------
        labels : ndarray of int of shape (n_samples,)
            Indices of classes, from 0.
        n_classes : int

        Returns
        -------
        targets : ndarray of float64 of shape (n_samples, n_outputs)
            Two classes have one output, which is 1 for the second one.
        """
        if n_classes == 2:
            return np.where(labels == 1, 1.0, -1.0)[:, None]
        return np.where(labels[:, None] == np.arange(n_classes), 1.0, -1.0)

    def value(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Loss of each sample, shape (n_samples,)."""
        raise TypeError(f"{type(self).__name__} does not define value; every PredictionLoss must.")

    def gradient(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Gradient of the loss of each sample in its scores, shape (n_samples, n_outputs)."""
        raise TypeError(
            f"{type(self).__name__} does not define gradient; every PredictionLoss must."
        )

    def decide(self, scores: np.ndarray) -> np.ndarray:
        """Decision values: one for each class, or one for each sample if there are two classes."""
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Probability of each class, shape (n_samples, n_classes)."""
        raise TypeError(
            f"{type(self).__name__} has no probabilities; expected Logistic or Softmax. Use "
            "decision_function, or one of these losses."
        )


@dataclass
class Logistic(PredictionLoss):
    """Logistic loss, one class against all others: the sum over outputs of ``log(1 + exp(-t s))``.

    Probabilities of more than two classes are those of the outputs, divided by their sum.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.prediction import Logistic
    >>> Logistic().gradient(np.zeros((1, 1)), np.ones((1, 1)))
    array([[-0.5]])
    """

    has_probabilities: ClassVar[bool] = True

    def value(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return np.logaddexp(0, -targets * scores).sum(axis=1)

    def gradient(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return -targets * expit(-targets * scores)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        shares = expit(scores)
        if scores.shape[1] == 1:
            return np.hstack([1 - shares, shares])
        # All outputs can underflow to 0; then the logarithms, whose largest one decides.
        total = shares.sum(axis=1, keepdims=True)
        return np.where(total > 0, shares / np.where(total > 0, total, 1), softmax(scores, axis=1))


@dataclass
class Softmax(PredictionLoss):
    """Multinomial logistic loss: minus the logarithm of the softmax of the score of the class.

    Two classes have two outputs; their decision value is the difference of the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.prediction import Softmax
    >>> loss = Softmax()
    >>> targets = loss.encode(np.array([2]), n_classes=4)
    >>> loss.value(np.zeros((1, 4)), targets), loss.probabilities(np.zeros((1, 4)))
    (array([1.38629436]), array([[0.25, 0.25, 0.25, 0.25]]))
    """

    has_probabilities: ClassVar[bool] = True

    def encode(self, labels: np.ndarray, n_classes: int) -> np.ndarray:
        return (labels[:, None] == np.arange(n_classes)).astype(np.float64)

    def value(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return -(targets * log_softmax(scores, axis=1)).sum(axis=1)

    def gradient(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return softmax(scores, axis=1) - targets

    def decide(self, scores: np.ndarray) -> np.ndarray:
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        return softmax(scores, axis=1)


@dataclass
class SquaredHinge(PredictionLoss):
    """Squared hinge loss, one class against all others: the sum of ``max(0, 1 - t s)**2 / 2``.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.prediction import SquaredHinge
    >>> SquaredHinge().value(np.array([[0.0], [2.0]]), np.ones((2, 1)))
    array([0.5, 0. ])
    """

    def value(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return (np.maximum(1 - targets * scores, 0) ** 2).sum(axis=1) / 2

    def gradient(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return -targets * np.maximum(1 - targets * scores, 0)


@dataclass
class Square(PredictionLoss):
    """Square loss: half the squared distance of the scores from the targets.

    Targets are any numbers, or 1 and -1 for labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.prediction import Square
    >>> Square().gradient(np.array([[1.0, 2.0]]), np.array([[3.0, 2.0]]))
    array([[-2.,  0.]])
    """

    of_labels: ClassVar[bool] = False

    def value(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return ((scores - targets) ** 2).sum(axis=1) / 2

    def gradient(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return scores - targets


LOSSES = {
    "softmax": Softmax,
    "logistic": Logistic,
    "squared_hinge": SquaredHinge,
    "square": Square,
}


def resolve_prediction_loss(loss: str | PredictionLoss, names: tuple[str, ...]) -> PredictionLoss:
    """Return a loss of one of these names, or the instance that is given."""
    kinds = tuple(LOSSES[name] for name in names)
    if isinstance(loss, PredictionLoss) and (type(loss) not in LOSSES.values()):
        return loss
    if isinstance(loss, kinds):
        return loss
    if not isinstance(loss, str) or loss not in names:
        kind = TypeError if not isinstance(loss, (str, PredictionLoss)) else ValueError
        raise kind(
            wrong(
                "loss",
                got=shown(loss),
                expected=f"one of {', '.join(map(repr, names))}, or such a PredictionLoss",
                remedy="Choose one of these.",
            )
        )
    return LOSSES[loss]()
