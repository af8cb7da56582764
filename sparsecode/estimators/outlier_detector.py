"""Outlier detection by sparse reconstruction cost, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sparsecode._collections import by_chunks
from sparsecode._messages import shown, wrong
from sparsecode._parameters import Parameterized
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_number
from sparsecode.estimators._base import validated
from sparsecode.estimators._few_atoms import learn_few_atoms
from sparsecode.estimators.dictionary_learning import DictionaryLearning


class SparseOutlierDetector(Parameterized, OutlierMixin, BaseEstimator):
    """Outlier detection: outliers are samples with a high sparse reconstruction cost.

    The score of a sample is minus its sparse reconstruction cost, the minimum over codes of
    ``1/2 ||x - z @ atoms||^2 + alpha * penalty(z)``: both large residuals and codes of high penalty
    increase it. The threshold `offset_` is set so that a share `contamination` of the training
    samples are outliers.

    Parameters
    ----------
    estimator : estimator with `fit` and `score_samples`, or None, default=None
        Estimator that computes the scores, such as `DictionaryLearning`, `OlshausenField` or a
        `SparseCoder` with a dictionary of normal samples. Wrap a fitted estimator in
        `sklearn.frozen.FrozenEstimator` to keep it from being fitted again. None learns few atoms
        around the mean, see the notes.
    contamination : float, default=0.1
        Share of outliers among the training samples, above 0 and at most 0.5. Only `offset_`
        depends on it, not the scores.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator.
    offset_ : float
        Threshold of the scores; samples with a lower score are outliers.
    n_features_in_ : int

    Notes
    -----
    By default the codes are those of ``3 sqrt(n_features)`` atoms around the mean, with an l1
    penalty whose `alpha` is half the median distance of a sample from the mean. Atoms are
    learned from all samples, then again without those of the highest cost, so that a few outliers
    do not become atoms. On data with four features and more its area under the ROC curve is mostly
    within 0.06 of the best detector of scikit-learn; `sklearn.neighbors.LocalOutlierFactor` is
    often a little better. Where usual samples are clusters or curves in a plane, or ten kinds of
    samples, it is clearly worse. The page on performance has a table.

    The cost grows with the square of a sample's scale, and features count by their variance:
    standardise features of different units, and normalise samples whose scale says nothing
    (`sklearn.preprocessing.StandardScaler`, `sklearn.preprocessing.Normalizer`). An `estimator` of
    your own should have few atoms compared with the number of outliers, and ``replacement=None``,
    as new atoms would be the worst represented samples; or fit on normal samples only.

    References
    ----------
    Y. Cong, J. Yuan and J. Liu, "Sparse reconstruction cost for abnormal event detection", 2011.

    A. Adler, M. Elad, Y. Hel-Or and E. Rivlin, "Sparse coding with anomaly detection", 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import DictionaryLearning, SparseOutlierDetector
    >>> from sparsecode.penalties import KSparse
    >>> rng = np.random.default_rng(0)
    >>> X = np.outer(rng.standard_normal(99), [3.0, 4.0, 0.0])
    >>> X = np.vstack([X, [4.0, -3.0, 5.0]])
    >>> learner = DictionaryLearning(1, penalty=KSparse(1), random_state=0)
    >>> detector = SparseOutlierDetector(learner, contamination=0.01)
    >>> np.flatnonzero(detector.fit_predict(X) == -1)
    array([99])
    """

    estimator_: Any
    offset_: float
    n_features_in_: int

    def __init__(self, estimator: Any = None, *, contamination: float = 0.1) -> None:
        self.estimator = estimator
        self.contamination = contamination

    def fit(self, X: MatrixLike, y: Any = None) -> Self:
        """Fit the estimator, and set the threshold of the scores.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : SparseOutlierDetector
        """
        check_number(self.contamination, "contamination", low=0, low_open=True, high=0.5)
        if self.estimator is not None and not hasattr(self.estimator, "score_samples"):
            raise TypeError(
                wrong(
                    "estimator",
                    got=shown(self.estimator),
                    expected="an instance with fit and score_samples, or None",
                    remedy="Use DictionaryLearning(...) or SparseCoder(...).",
                )
            )
        X = self._validated(X, reset=True)
        # A frozen estimator needs an argument `y`.
        is_default = self.estimator is None
        self.estimator_ = learn_few_atoms(X) if is_default else clone(self.estimator).fit(X, None)
        scores = self.estimator_.score_samples(X)
        self.offset_ = float(np.percentile(scores, 100 * self.contamination))
        return self

    @by_chunks("scores.score_samples")
    def score_samples(self, X: MatrixLike) -> np.ndarray:
        """Minus the sparse reconstruction cost of each sample; lower is more abnormal.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.estimator_.score_samples(self._validated(X, reset=False))

    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """Return the scores minus `offset_`, negative for outliers.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict which samples are outliers.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        is_inlier : ndarray of int of shape (n_samples,)
            -1 for outliers and 1 for the others.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _validated(self, X, *, reset):
        tags = self.__sklearn_tags__().input_tags
        return validated(self, X, reset=reset, sparse_too=tags.sparse, missing=tags.allow_nan)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = self.estimator if self.estimator is not None else DictionaryLearning()
        # What is no estimator is refused by `fit`.
        if hasattr(inner, "__sklearn_tags__"):
            tags.input_tags.sparse = get_tags(inner).input_tags.sparse
            tags.input_tags.allow_nan = get_tags(inner).input_tags.allow_nan
        return tags
