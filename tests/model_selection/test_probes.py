"""Probes that are told the truth, and their scores."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from sparsecode.datasets import make_feature_mixture
from sparsecode.model_selection import probe_scores


@pytest.fixture(scope="module")
def mixture():
    return make_feature_mixture(
        n_components=30, n_features=12, n_roots=0, rates=(0.01, 0.3), n_steps=50, random_state=0
    )


def test_a_probe_is_the_logistic_regression_of_scikit_learn(mixture):
    found = probe_scores(mixture, [3, 17], n_samples=3000, n_test=3000, random_state=0)
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=2)
    (X, codes), (X_test, truth) = (
        mixture.sample(3000, random_state=int(s), sparse_output=False) for s in seeds
    )
    for i, feature in enumerate([3, 17]):
        probe = LogisticRegression(C=100.0, max_iter=200).fit(X, codes[:, feature] != 0)
        expected = f1_score(truth[:, feature] != 0, probe.predict(X_test))
        assert found.f1[i] == pytest.approx(expected)
    assert found.features.tolist() == [3, 17]


def test_orthogonal_features_are_found():
    mixture = make_feature_mixture(
        n_components=8, n_features=40, n_roots=0, rates=(0.1, 0.5), loading=0, n_steps=300,
        random_state=0,
    )  # fmt: skip
    assert probe_scores(mixture, n_samples=2000, n_test=2000, random_state=0).mean().f1 > 0.98


def test_features_that_training_never_shows_are_not_found(mixture):
    found = probe_scores(mixture, [29], n_samples=2, n_test=200, random_state=0)
    assert found.f1.tolist() == [0]


def test_wrong_features_are_refused(mixture):
    for features in ([30], [-1], [0.5], [], 3):
        with pytest.raises(ValueError, match="indices from 0 to 29"):
            probe_scores(mixture, features)
    with pytest.raises(TypeError, match="expected a FeatureMixture"):
        probe_scores(np.eye(3))
