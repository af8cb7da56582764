"""Measures of reconstructions against their definitions, scikit-learn and SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.metrics.pairwise import paired_cosine_distances

from sparsecode.metrics import (
    bic,
    cosine,
    explained_variance,
    l2_ratio,
    mse,
    normalized_mse,
    relative_reconstruction_bias,
)

rng = np.random.default_rng(0)
MEASURES = [
    cosine,
    explained_variance,
    l2_ratio,
    mse,
    normalized_mse,
    relative_reconstruction_bias,
]
each_measure = pytest.mark.parametrize("measure", MEASURES)


def pair(n_samples=50, offset=0.0):
    X, noise = rng.standard_normal((2, n_samples, 4))
    return X + offset, 0.8 * X + 0.3 * noise + offset


def test_explained_variance_is_the_variance_weighted_r2():
    X, X_hat = pair(offset=3)
    expected = r2_score(X, X_hat, multioutput="variance_weighted")
    assert explained_variance(X, X_hat) == pytest.approx(expected)
    assert normalized_mse(X, X_hat) == pytest.approx(1 - expected)


def test_explained_variance_of_the_mean_and_of_X():
    X = rng.standard_normal((50, 4))
    assert explained_variance(X, np.tile(X.mean(axis=0), (50, 1))) == pytest.approx(0)
    assert explained_variance(X, X) == 1
    assert normalized_mse(X, X) == 0


def test_mse_and_cosine_are_those_of_scikit_learn():
    X, X_hat = pair()
    assert mse(X, X_hat) == pytest.approx(mean_squared_error(X, X_hat))
    assert cosine(X, X_hat) == pytest.approx(1 - paired_cosine_distances(X, X_hat).mean())


def test_l2_ratio_is_a_mean_of_ratios():
    X, X_hat = pair()
    X *= rng.uniform(0.1, 10, (50, 1))
    pairs = zip(X, X_hat, strict=True)
    expected = np.mean([np.linalg.norm(b) / np.linalg.norm(a) for a, b in pairs])
    assert l2_ratio(X, X_hat) == pytest.approx(expected)


@given(st.floats(0.05, 20), st.booleans())
def test_shrinkage_by_a_factor_is_told(factor, negative):
    X, _ = pair()
    sign = -1 if negative else 1
    assert l2_ratio(X, sign * factor * X) == pytest.approx(factor)
    assert cosine(X, sign * factor * X) == pytest.approx(sign)
    assert relative_reconstruction_bias(X, sign * factor * X) == pytest.approx(sign * factor)


def test_the_bias_is_the_best_factor():
    X, X_hat = pair()
    gamma = relative_reconstruction_bias(X, X_hat)
    found = minimize_scalar(lambda g: ((X - X_hat / g) ** 2).sum(), bounds=(0.1, 10)).x
    assert gamma == pytest.approx(found, rel=1e-4)
    # The error cannot be made smaller by a factor, once it is divided out.
    assert relative_reconstruction_bias(X, X_hat / gamma) == pytest.approx(1)
    # A projection has no bias, though it is shorter than the sample.
    basis = np.linalg.qr(rng.standard_normal((4, 2)))[0]
    assert relative_reconstruction_bias(X, X @ basis @ basis.T) == pytest.approx(1)
    assert l2_ratio(X, X @ basis @ basis.T) < 0.95


def test_rotations_change_nothing_and_units_only_the_mse():
    X, X_hat = pair()
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    for measure in MEASURES:
        value = measure(X, X_hat)
        assert measure(X @ rotation, X_hat @ rotation) == pytest.approx(value)
        unit = 49 if measure is mse else 1
        assert measure(7 * X, 7 * X_hat) == pytest.approx(unit * value)


def test_zeros():
    X = np.array([[0.0, 0.0], [3.0, 4.0]])
    X_hat = np.array([[1.0, 0.0], [0.0, 0.0]])
    # A sample of norm 0 is left out, a reconstruction of norm 0 counts.
    assert cosine(X, X_hat) == l2_ratio(X, X_hat) == 0
    assert relative_reconstruction_bias(X, 0 * X) == 0
    assert relative_reconstruction_bias(X, [[0.0, 0.0], [4.0, -3.0]]) == np.inf
    assert cosine(X, X) == l2_ratio(X, X) == relative_reconstruction_bias(X, X) == 1


@each_measure
def test_blocks_and_containers_change_nothing(measure, monkeypatch, tmp_path):
    X, X_hat = pair(offset=5)
    X[rng.random(X.shape) < 0.5] = 0
    expected = measure(X, X_hat)
    monkeypatch.setattr("sparsecode.metrics._fit._ENTRIES", 12)
    assert measure(X, X_hat) == pytest.approx(expected)
    assert measure(np.asfortranarray(X), X_hat.tolist()) == pytest.approx(expected)
    assert measure(sparse.csr_array(X), sparse.csc_matrix(X_hat)) == pytest.approx(expected)
    np.save(tmp_path / "X.npy", X)
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert measure(on_disk, X_hat) == pytest.approx(expected)


@each_measure
def test_float32_is_measured_in_float64(measure):
    X, X_hat = (array.astype(np.float32) for array in pair(4000, offset=100))
    found = measure(X, X_hat)
    assert type(found) is float
    assert found == pytest.approx(measure(X.astype(float), X_hat.astype(float)), rel=1e-13)


def test_variance_far_from_zero():
    X = rng.standard_normal((300, 3))
    X_hat = X + 0.1 * rng.standard_normal((300, 3))
    far = explained_variance(X + 1e6, X_hat + 1e6)
    assert far == pytest.approx(explained_variance(X, X_hat), rel=1e-8)


@each_measure
def test_refuses(measure):
    with pytest.raises(ValueError, match=r"X_hat has shape \(3, 2\); expected \(2, 2\)"):
        measure(np.eye(2), np.ones((3, 2)))
    with pytest.raises(ValueError, match="X_hat contains NaN"):
        measure(np.eye(2), np.full((2, 2), np.nan))
    if measure in (explained_variance, normalized_mse):
        # Also where the mean of equal numbers is rounded.
        with pytest.raises(ValueError, match="no variance"):
            measure(np.full((3, 2), 0.1), np.ones((3, 2)))
    elif measure is not mse:
        with pytest.raises(ValueError, match="X has only zeros"):
            measure(np.zeros((3, 2)), np.ones((3, 2)))


@pytest.mark.parametrize("scale", [1e-160, 1e160, 1e300])
def test_samples_whose_squares_are_out_of_range_are_refused(scale):
    X, codes, atoms = np.array([[3.0, 1.0], [1.0, 2.0]]), [[1.0], [2.0]], [[1.0, 1.0]]
    match = r"largest entry of X and its reconstruction is .*expected 1e-150 to 1e\+150"
    with pytest.raises(ValueError, match=match):
        bic(X * scale, np.array(codes) * scale, atoms)
    with pytest.raises(ValueError, match=match):
        mse(X * scale, X * scale)


def test_directions_of_samples_of_all_sizes():
    X = np.array([[3.0, 4.0], [3e-200, 4e-200], [0.0, 0.0]])
    X_hat = np.array([[3.0, 4.0], [4e-200, 3e-200], [0.0, 0.0]])
    np.testing.assert_allclose(cosine(X, X_hat), (1 + 0.96) / 2)
