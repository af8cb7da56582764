"""Scores of codes: methods of the estimators whose codes are those of the samples they code."""

from __future__ import annotations


def score(self, X, y=None):
    """Minus the mean objective of the codes of `X`; higher is better.

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


def score_samples(self, X):
    """Minus the objective of the code of each sample; higher is better.

    Up to a constant it is the logarithm of a probability density, with noise of variance 1 and the
    penalty as minus the logarithm of a prior.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    scores : ndarray of shape (n_samples,)
        Minus half the squared error of reconstruction, with the activation of the decoder where
        there is one, and minus the penalty.
    """
    X = self._check_X(X)
    return self._model.score_samples(X, self._n_jobs)


def certify(self, X):
    """Certificate of the codes of `X`: how far they are from optimal ones.

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
