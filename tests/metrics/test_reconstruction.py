"""Explained variance against its definition and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from sparsecode.metrics import explained_variance

rng = np.random.default_rng(0)


def test_explained_variance_is_the_variance_weighted_r2():
    X, noise = rng.standard_normal((2, 50, 4))
    expected = r2_score(X, X + 0.3 * noise, multioutput="variance_weighted")
    assert explained_variance(X, X + 0.3 * noise) == pytest.approx(expected)


def test_explained_variance_of_the_mean_and_of_X():
    X = rng.standard_normal((50, 4))
    assert explained_variance(X, np.tile(X.mean(axis=0), (50, 1))) == pytest.approx(0)
    assert explained_variance(X, X) == 1


def test_explained_variance_refuses():
    with pytest.raises(ValueError, match=r"X_hat has shape \(3, 2\); expected \(2, 2\)"):
        explained_variance(np.eye(2), np.ones((3, 2)))
    with pytest.raises(ValueError, match="no variance"):
        explained_variance(np.ones((3, 2)), np.ones((3, 2)))
