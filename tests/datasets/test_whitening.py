"""ZCA and PCA whitening: the covariance is the identity, and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scikit_learn_checks import each_check
from sklearn.decomposition import PCA

from sparsecode.datasets import PCAWhitening, ZCAWhitening

BOTH = [ZCAWhitening, PCAWhitening]


@each_check([ZCAWhitening(), ZCAWhitening(eps=0.1), PCAWhitening(), PCAWhitening(n_components=0.9)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def correlated(n_samples=400, n_features=6, rank=None, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(rank or n_features, n_features))
    return (rng.normal(size=(n_samples, len(mixing))) @ mixing + 5).astype(dtype)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_the_covariance_is_the_identity_at_any_scale(n_features, seed, scale):
    X = correlated(200, n_features, seed=seed) * scale
    before = X.copy()
    for kind in BOTH:
        whitening = kind().fit(X)
        Z = whitening.transform(X)
        np.testing.assert_allclose(np.atleast_2d(np.cov(Z.T)), np.eye(n_features), atol=1e-7)
        np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-7)
        np.testing.assert_allclose(whitening.inverse_transform(Z), X, rtol=1e-7, atol=1e-7 * scale)
    np.testing.assert_array_equal(X, before)


def test_blocks_of_rows_give_the_covariance_of_all(monkeypatch):
    X = correlated(100)
    whole = ZCAWhitening().fit(X)
    monkeypatch.setattr("sparsecode.datasets.whitening._ROWS_AT_A_TIME", 7)
    np.testing.assert_allclose(ZCAWhitening().fit(X).whitening_, whole.whitening_, rtol=1e-10)


def test_zca_is_symmetric_and_pca_is_scikit_learns():
    X = correlated()
    zca = ZCAWhitening().fit(X)
    np.testing.assert_allclose(zca.whitening_, zca.whitening_.T, atol=1e-14)
    assert np.linalg.eigvalsh(zca.whitening_).min() > 0

    ours = PCAWhitening(n_components=4).fit(X)
    theirs = PCA(n_components=4, whiten=True).fit(X)
    signs = np.sign(np.sum(ours.components_ * theirs.components_, axis=1))
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X) * signs, atol=1e-10)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(X)), theirs.inverse_transform(theirs.transform(X))
    )


@pytest.mark.parametrize("kind", BOTH)
def test_eps_is_in_units_of_the_mean_variance(kind):
    X = correlated()
    variances = np.linalg.eigvalsh(np.cov(X.T))
    Z = kind(eps=0.3).fit_transform(X)
    expected = variances / (variances + 0.3 * variances.mean())
    np.testing.assert_allclose(np.linalg.eigvalsh(np.cov(Z.T)), expected)
    np.testing.assert_allclose(kind(eps=0.3).fit_transform(100 * X), Z)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("eps", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_directions_without_variance_are_not_amplified(kind, eps, dtype):
    X = correlated(rank=3, dtype=dtype)
    whitening = kind(eps=eps).fit(X)
    Z = whitening.transform(X)
    assert Z.dtype == dtype
    assert len(whitening.scale_) == (6 if eps else 3)
    assert np.abs(Z).max() < 10
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(whitening.inverse_transform(Z), X, rtol=0, atol=10 * tolerance)
    if not eps:
        values = np.linalg.eigvalsh(np.cov(Z.T.astype(float)))[-3:]
        np.testing.assert_allclose(values, 1, atol=tolerance)


def test_fewer_rows_than_features():
    X = correlated(5, 20)
    whitening = PCAWhitening().fit(X)
    Z = whitening.transform(X)
    assert Z.shape == (5, 4)
    np.testing.assert_allclose(np.cov(Z.T), np.eye(4), atol=1e-10)
    np.testing.assert_allclose(whitening.inverse_transform(Z), X)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 1), (0.8, 1), (0.85, 2), (0.999, 3), (1.0, 3)]
)
def test_n_components_as_a_share_of_the_variance(share, expected):
    X = np.kron(np.diag(np.sqrt([8.0, 1.5, 0.5])), [[1.0], [-1.0]])
    assert len(PCAWhitening(n_components=share - 1e-9).fit(X).components_) == expected


def test_names_of_the_features():
    X = correlated(n_features=2)
    assert list(PCAWhitening().fit(X).get_feature_names_out()) == ["pcawhitening0", "pcawhitening1"]
    assert list(ZCAWhitening().fit(X).get_feature_names_out(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize(
    ("whitening", "X", "words"),
    [
        (ZCAWhitening(), np.ones((5, 3)), "X has no variance: its 5 rows are all the same"),
        (ZCAWhitening(eps=1.0), np.ones((5, 3)), "X has no variance"),
        (ZCAWhitening(), np.ones((1, 3)), "minimum of 2 is required"),
        (ZCAWhitening(), np.full((5, 3), np.nan), "NaN"),
        (ZCAWhitening(eps=-1), np.eye(5), "eps >= 0"),
        (PCAWhitening(7), correlated(), "n_components is 7, but X has variance in only 6"),
        (PCAWhitening(4), correlated(rank=3), "n_components is 4, but X has variance in only 3"),
        (PCAWhitening(0), correlated(), "n_components >= 1"),
        (PCAWhitening(1.5), correlated(), "n_components <= 1"),
        (PCAWhitening("mle"), correlated(), "n_components is 'mle'"),
    ],
)
def test_refuses(whitening, X, words):
    with pytest.raises(ValueError, match=words):
        whitening.fit(X)


@pytest.mark.parametrize(
    ("kind", "name"), [(ZCAWhitening, "features"), (PCAWhitening, "components")]
)
def test_inverse_refuses_another_width(kind, name):
    whitening = kind().fit(correlated())
    with pytest.raises(ValueError, match=f"X has 4 columns; expected 6, .* 6 {name}"):
        whitening.inverse_transform(np.zeros((2, 4)))
