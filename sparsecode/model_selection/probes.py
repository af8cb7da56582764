"""Probes: what a linear classifier that is told the true features finds of them."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sparsecode._messages import shown, wrong
from sparsecode._typing import RandomState
from sparsecode._validation import check_integer, check_number, check_random_state
from sparsecode._values import check_instance
from sparsecode.datasets import FeatureMixture
from sparsecode.metrics import DetectionScores, detection_scores


def probe_scores(
    mixture: FeatureMixture,
    features: ArrayLike | None = None,
    *,
    n_samples: int = 20_000,
    n_test: int = 20_000,
    C: float = 100.0,
    max_iter: int = 200,
    random_state: RandomState = None,
) -> DetectionScores:
    """Score a logistic regression for each true feature, trained on the truth: a ceiling.

    An encoder of one affine map and a threshold is a linear classifier for each latent. None can
    detect a feature better than the best one, which supervision comes close to. Codes that depend
    on each other, such as exact ones, can.

    Parameters
    ----------
    mixture : FeatureMixture
    features : array-like of int of shape (n_probes,) or None, default=None
        Features to probe; None is all of them. Each probe takes about as long as scikit-learn's
        `LogisticRegression`, seconds in hundreds of dimensions.
    n_samples, n_test : int, default=20_000
        Samples to train on, and others to judge by. Rare features need more: one without a sample
        to train on has a score of 0.
    C : float, default=100.0
        Inverse strength of the regularization of scikit-learn.
    max_iter : int, default=200
        Most iterations of a probe.
    random_state : int, RandomState instance or None, default=None
        Of the samples.

    Returns
    -------
    scores : DetectionScores
        One entry for each probe.

    Raises
    ------
    ValueError
        If `features` are not indices of features, or a number is out of its range.

    References
    ----------
    SynthSAEBench, arXiv 2602.14687, 2026.

    Examples
    --------
    >>> from sparsecode.datasets import make_feature_mixture
    >>> from sparsecode.model_selection import probe_scores
    >>> mixture = make_feature_mixture("1k", n_steps=0, random_state=0)
    >>> scores = probe_scores(mixture, [0, 1], n_samples=2000, n_test=2000, random_state=0)
    >>> bool((scores.f1 > 0.8).all())
    True
    """
    check_instance(
        mixture, "mixture", FeatureMixture, "a FeatureMixture", "Use make_feature_mixture."
    )
    features = _check_features(features, mixture.n_components)
    n_samples, n_test = check_integer(n_samples, "n_samples"), check_integer(n_test, "n_test")
    C, max_iter = check_number(C, "C", low=0, low_open=True), check_integer(max_iter, "max_iter")
    seeds = check_random_state(random_state).randint(2**31 - 1, size=2)
    (X, codes), (X_test, truth) = (
        mixture.sample(n, random_state=int(seed))
        for n, seed in zip((n_samples, n_test), seeds, strict=True)
    )
    found = np.zeros((n_test, len(features)), dtype=X.dtype)
    present = sparse.csc_array(codes)
    for i, feature in enumerate(features):
        is_there = present[:, [feature]].toarray()[:, 0] != 0
        if is_there.all() or not is_there.any():
            found[:, i] = is_there[0]
            continue
        probe = LogisticRegression(C=C, max_iter=max_iter)
        with warnings.catch_warnings():
            # Scores are judged, not coefficients.
            warnings.simplefilter("ignore", ConvergenceWarning)
            found[:, i] = probe.fit(X, is_there).predict(X_test)
    scores = detection_scores(found, truth[:, features])
    return scores._replace(features=features)


def _check_features(features, n):
    if features is None:
        return np.arange(n)
    found = np.asarray(features)
    good = found.ndim == 1 and found.size > 0 and found.dtype.kind in "iu"
    if not good or found.min() < 0 or found.max() >= n:
        raise ValueError(
            wrong("features", got=shown(features), expected=f"indices from 0 to {n - 1}",
                  remedy="Give a list of them, or None for all.")
        )  # fmt: skip
    return found
