"""Base class of the classifiers by codes: labels, predictions, and the model that codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length

from sparsecode._collections import refuse_collection
from sparsecode._messages import shown, wrong
from sparsecode._parameters import leaves_of
from sparsecode._typing import MatrixLike
from sparsecode._validation import naming
from sparsecode._values import sorted_labels
from sparsecode.estimators._base import CodesEstimator
from sparsecode.estimators._fitted_model import Resolved
from sparsecode.estimators._labels import checked_labels
from sparsecode.prediction.class_residuals import class_spans


class CodesClassifier(ClassifierMixin, CodesEstimator):
    """Base of the classifiers that decide by sparse codes.

    A subclass sets `classes_`, `dictionary_` and `atom_classes_` in `fit`. It has ``_made()``,
    which returns the model that codes, and ``_scores(X)``, which returns a score for each sample
    and class, the highest of its own.
    """

    classes_: np.ndarray
    atom_classes_: np.ndarray
    _takes_sparse = False

    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """Compute the score of every class for every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Of two classes the score of the second minus that of the first.
        """
        scores = self._scores(self._check_X(X))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict the class of every sample: that of the highest score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        scores = self._scores(self._check_X(X))
        return self.classes_[scores.argmax(axis=1)]

    @property
    def _model(self):
        return kept_model(self, self._made)

    @property
    def _spans(self):
        """Atoms of each class."""
        return class_spans(self.atom_classes_, len(self.classes_))

    def _labelled(self, X, y):
        """Checked samples, labels, and the index of the class of each; sets `classes_`."""
        name = type(self).__name__
        refuse_collection(X, "Call X.compute() first.", name=f"X of {name}.fit")
        X = self._validated(X, reset=True)
        if y is None:
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        with naming("y"):
            y = checked_labels(y)
            check_consistent_length(X, y)
            classes, index = sorted_labels(y, "y")
            check_classification_targets(y)
        if len(classes) < 2:
            raise ValueError(
                wrong(
                    f"y of {name}",
                    got=f"labels of one class, {shown(classes.tolist()[0])}",
                    expected="labels of at least two classes",
                    remedy="Give samples of the other classes too.",
                )
            )
        self.classes_ = classes
        return X, y, index


def kept_model(estimator: Any, make: Any) -> Any:
    """Return ``make()``, again only if parameters or atoms of the estimator have changed.

    An estimator calls it at the end of `fit`, so that coding does not change the estimator.
    """
    parameters, made = leaves_of(estimator), vars(estimator).get("_resolved")
    same = made is not None and made.dictionary is estimator.dictionary_
    if not same or made.parameters != parameters:
        made = Resolved(parameters, estimator.dictionary_, make())
        vars(estimator)["_resolved"] = made
    return made.model
