"""Samples of huge norm: which they are, and that estimators learn without them."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import DictionaryLearning, SparseAutoencoder, Transcoder
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import TopK
from sparsecode.metrics import explained_variance
from sparsecode.optimizers import Adam
from sparsecode.training import Batch, NormOutliers


@pytest.fixture(scope="module")
def X():
    return make_sparse_signals(1000, 32, 16, n_nonzero=3, positive=True, random_state=0).X


@pytest.fixture(scope="module")
def wild(X):
    """Every twentieth sample a hundred times as large."""
    X = X.copy()
    X[::20] *= 100
    return X


def test_the_limit_is_a_robust_z_score(X, wild, tmp_path):
    norms = np.linalg.norm(wild, axis=1)
    median = np.median(norms)
    expected = median + 6 * 1.4826 * np.median(np.abs(norms - median))
    assert NormOutliers(z=6).limit(wild) == pytest.approx(expected, rel=1e-12)
    assert NormOutliers(z=6).limit(sparse.csr_array(wild)) == pytest.approx(expected, rel=1e-12)
    weight = (np.arange(1000) % 20 > 0).astype(float)
    used = NormOutliers(z=6).limit(wild, weight)
    assert used == pytest.approx(NormOutliers(z=6).limit(wild[weight > 0]), rel=1e-12)
    # Equal norms: rounding is no outlier. Zeros tell nothing.
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert NormOutliers(z=5).limit(np.r_[unit, np.zeros((2000, 16))]) == pytest.approx(1.05)
    assert NormOutliers().limit(np.zeros((3, 2))) == np.inf
    assert NormOutliers().limit(1e200 * X) == pytest.approx(1e200 * NormOutliers().limit(X))
    np.save(tmp_path / "X.npy", np.tile(X, (30, 1)))
    many = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert NormOutliers().limit(many) == pytest.approx(NormOutliers().limit(X), rel=0.1)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_dropping_and_clipping(wild, kind):
    limit = NormOutliers().limit(wild)
    dropped, far = NormOutliers("drop").apply(Batch(kind(wild)), limit)
    np.testing.assert_array_equal(dropped.sample_weight, np.arange(1000) % 20 > 0)
    clipped, also = NormOutliers("clip").apply(Batch(kind(wild)), limit)
    assert far.sum() == also.sum() == 50 and clipped.sample_weight is None
    rows = clipped.X if kind is np.asarray else clipped.X.toarray()
    norms = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(norms[::20], limit, rtol=1e-12)
    np.testing.assert_array_equal(np.delete(rows, far, axis=0), np.delete(wild, far, axis=0))
    cosines = np.sum(rows * wild, axis=1) / (norms * np.linalg.norm(wild, axis=1))
    np.testing.assert_allclose(cosines, 1, rtol=1e-12)


@pytest.mark.needs_jit("autoencoders are trained")
@pytest.mark.parametrize("policy", ["drop", "clip", NormOutliers("drop", z=5)])
def test_training_is_as_good_as_without_them(X, wild, policy):
    def quality(samples, outliers):
        model = SparseAutoencoder(
            32, encoder=TopK(k=3), outliers=outliers, optimizer=Adam(0.01), random_state=0
        ).fit(samples)
        return explained_variance(X, model.inverse_transform(model.transform(X))), model

    clean, _ = quality(X, None)
    ruined, none = quality(wild, None)
    kept, model = quality(wild, policy)
    # Those that are clipped are still longer than all others.
    assert ruined < clean - 0.1 and kept > clean - (0.1 if policy == "clip" else 0.03)
    assert model.n_outliers_ == 50 and none.n_outliers_ == 0 and none.outlier_norm_ is None
    assert model.outlier_norm_ < np.linalg.norm(wild[::20], axis=1).min()


@pytest.mark.needs_jit("estimators are trained")
def test_dropping_is_leaving_out(X, wild, tmp_path):
    np.save(tmp_path / "wild.npy", wild)
    on_disk = np.load(tmp_path / "wild.npy", mmap_mode="r")
    rest = np.delete(wild, slice(None, None, 20), axis=0)
    options = {"outliers": "drop", "random_state": 0, "n_epochs": 2}
    for model in (
        SparseAutoencoder(32, alpha=0.1, init="samples", **options),
        DictionaryLearning(32, alpha=0.1, batch_size=100, **options),
        Transcoder(32, alpha=0.1, **options),
    ):
        targets = (wild, rest) if isinstance(model, Transcoder) else (None, None)
        found = model.fit(wild, targets[0]).transform(X)
        expected = model.set_params(outliers=None).fit(rest, targets[1]).transform(X)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        model.set_params(outliers="drop").fit(on_disk, targets[0])
        assert model.n_outliers_ == 50
    with pytest.raises(ValueError, match="outliers is 'clip' but X is a memory map"):
        SparseAutoencoder(32, alpha=0.1, outliers="clip").fit(on_disk)


@pytest.mark.needs_jit("estimators are trained")
def test_streams_judge_by_what_came_first(X, wild):
    for model in (
        SparseAutoencoder(32, alpha=0.1, outliers="drop", random_state=0),
        DictionaryLearning(32, alpha=0.1, outliers="drop", random_state=0),
    ):
        model.fit(iter([*np.split(wild, 4), wild[::20]]))
        assert model.n_outliers_ == 100
        limit = model.outlier_norm_
        assert limit == NormOutliers().limit(wild[:250])
        model.partial_fit(wild[:40])
        assert model.n_outliers_ == 102 and model.outlier_norm_ == limit
        # Nothing but outliers is nothing to learn from.
        before = model.components_.copy()
        model.partial_fit(wild[::20])
        np.testing.assert_array_equal(model.components_, before)


@pytest.mark.needs_jit("estimators are trained")
def test_streams_of_which_some_batches_have_no_outliers(X, wild):
    for model in (SparseAutoencoder(8, alpha=0.1), Transcoder(8, alpha=0.1)):
        model.set_params(outliers="drop", random_state=0)
        for batches in ([wild[:100], X[100:200]], [X[:100], wild[100:200]]):
            items = [(x, x[:, :4]) if isinstance(model, Transcoder) else x for x in batches]
            assert model.fit(iter(items)).n_outliers_ == 5


@pytest.mark.needs_jit("a transcoder is trained")
def test_targets_of_huge_norm_count_too(X):
    Y = X[:, :4].copy()
    Y[::100] *= 1000
    model = Transcoder(32, alpha=0.1, outliers="drop", random_state=0).fit(X, Y)
    assert model.n_outliers_ == 10


def test_wrong_policies():
    with pytest.raises(ValueError, match="policy of NormOutliers is 'cut'; expected 'drop'"):
        NormOutliers("cut")
    with pytest.raises(ValueError, match="z is 0"):
        NormOutliers(z=0)
    for model in (SparseAutoencoder(4), DictionaryLearning(4), Transcoder(4)):
        with pytest.raises(TypeError, match="outliers is 8; expected 'drop', 'clip', a NormOut"):
            model.set_params(outliers=8).fit(np.eye(4), np.eye(4))
