"""Scores and certificates of codes: methods of estimators that reconstruct their samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sparsecode._collections import by_chunks
from sparsecode._typing import MatrixLike

if TYPE_CHECKING:
    from sparsecode.objective import Certificate


@by_chunks("scores.score")
def score(self: Any, X: MatrixLike, y: Any = None) -> float:
    """Return minus the mean objective of the codes of `X`; higher is better.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : None
        Ignored; present for scikit-learn's model selection.

    Returns
    -------
    score : float
    """
    return float(self.score_samples(X).mean())


@by_chunks("scores.score_samples")
def score_samples(self: Any, X: MatrixLike) -> np.ndarray:
    """Return minus the objective of the code of each sample; higher is better.

    Up to a constant it is a log density, for noise of variance 1 and a prior whose negative
    logarithm is the penalty.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    scores : ndarray of shape (n_samples,)
        Minus half the squared error of reconstruction, minus the penalty. If the decoder has an
        activation, the reconstruction includes it.
    """
    X = self._check_X(X)
    return self._model.score_samples(X, self._n_jobs)


@by_chunks("certificates.certify_samples")
def certify(self: Any, X: MatrixLike) -> Certificate:
    """Certify the codes of `X`: bound their distance from the optimum.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    certificate : Certificate

    Raises
    ------
    ValueError
        If the decoder has an activation: there is no certificate for its objective.
    """
    X = self._check_X(X)
    return self._model.certify(X, self._n_jobs)
