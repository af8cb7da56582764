"""Sums over samples, from dense and sparse codes, against plain products."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary
from sparsecode._moments import moments, products, residual_rows, squares

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
