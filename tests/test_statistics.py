"""Sums over samples, from dense and sparse codes, against plain products."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

from sparsecode import Dictionary
from sparsecode._statistics import (
    active_counts,
    geometric_median,
    mean,
    moments,
    products,
    residual_rows,
    squares,
)

KINDS = pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])


@KINDS
@pytest.mark.parametrize("weighted", [False, True])
def test_sums(rng, kind, weighted):
    X = rng.standard_normal((50, 4))
    codes = rng.standard_normal((50, 70)) * (rng.random((50, 70)) < 0.3)
    weight = rng.uniform(0, 2, 50) if weighted else None
    scaled = codes if weight is None else codes * weight[:, None]
    second, cross = moments(X, kind(codes), weight)
    np.testing.assert_allclose(second, scaled.T @ codes, atol=1e-12)
    np.testing.assert_allclose(cross, scaled.T @ X, atol=1e-12)
    np.testing.assert_allclose(products(kind(codes), X, weight), cross, atol=1e-12)
    np.testing.assert_allclose(squares(kind(codes), weight), np.diag(second), atol=1e-12)


@KINDS
def test_residual(rng, kind):
    X, codes = rng.standard_normal((20, 4)), rng.standard_normal((20, 6))
    dictionary = Dictionary(rng.standard_normal((6, 4)), rng.standard_normal(4))
    before = X.copy()
    expected = dictionary.residual(X, codes)
    np.testing.assert_allclose(residual_rows(X, kind(codes), dictionary), expected, atol=1e-12)
    np.testing.assert_array_equal(X, before)


@KINDS
def test_active_counts(rng, kind):
    codes = rng.standard_normal((50, 7)) * (rng.random((50, 7)) < 0.3)
    np.testing.assert_array_equal(active_counts(kind(codes)), (codes != 0).sum(axis=0))
    stored_zero = sparse.csr_array(([0.0, 2.0], [1, 0], [0, 2]), shape=(1, 3))
    np.testing.assert_array_equal(active_counts(stored_zero), [1, 0, 0])


@KINDS
def test_mean(rng, kind):
    X = rng.standard_normal((1100, 3))
    np.testing.assert_allclose(mean(kind(X)), X.mean(axis=0), atol=1e-13)


def distances(X, point):
    return np.linalg.norm(X - point, axis=1).sum()


@KINDS
def test_geometric_median_is_the_minimum_that_scipy_finds(rng, kind):
    X = rng.standard_normal((600, 3)) * [1, 3, 0.2] + [5, 0, -2]
    X[:60] += 50
    found = geometric_median(kind(X))
    best = minimize(lambda y: distances(X, y), X.mean(axis=0), method="BFGS")
    assert distances(X, found) <= best.fun * (1 + 1e-12)
    np.testing.assert_allclose(found, best.x, atol=1e-4)


def test_geometric_median_moves_with_the_samples(rng):
    X = rng.standard_normal((40, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    moved = geometric_median(2 * X @ turn + 7)
    np.testing.assert_allclose(moved, 2 * geometric_median(X) @ turn + 7, atol=1e-6)


def test_geometric_median_on_a_sample():
    # The mean is a sample, and not the median: Weiszfeld's iteration alone would stay there.
    X = np.array([[0.0, 0.0], [-1.0, 0.0], [-1.1, 0.0], [-1.2, 0.0], [3.3, 0.0]])
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(geometric_median(X), [-1.0, 0.0], atol=1e-5)
    # Most samples are one point: it is the median, exactly.
    X = np.array([[2.0, 1.0]] * 5 + [[9.0, 3.0], [0.0, -7.0]])
    np.testing.assert_allclose(geometric_median(X), [2.0, 1.0], atol=1e-7)
    # Their mean as well, so that the iteration starts there, and others pull to one side.
    X = np.array([[0.0, 0.0]] * 5 + [[-1.0, 0.0], [-1.0, 0.0], [2.0, 0.0]])
    np.testing.assert_array_equal(geometric_median(X), [0.0, 0.0])


def test_geometric_median_of_equal_samples():
    np.testing.assert_array_equal(geometric_median(np.full((4, 2), 3.0)), [3.0, 3.0])
    np.testing.assert_array_equal(geometric_median(np.array([[1.0, 2.0]])), [1.0, 2.0])
