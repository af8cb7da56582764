"""Correlations of dense and sparse columns against NumPy's."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode.metrics import _correlations
from sparsecode.metrics._correlations import correlations

rng = np.random.default_rng(0)


def draw(n_columns, density=0.3):
    codes = rng.laplace(size=(60, n_columns)) * (rng.random((60, n_columns)) < density)
    return codes


@pytest.mark.parametrize("entries", [7, 2**22])
@pytest.mark.parametrize("one", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("two", [np.asarray, sparse.csr_array])
def test_correlations_are_those_of_numpy(one, two, entries, monkeypatch):
    monkeypatch.setattr(_correlations, "_ENTRIES", entries)
    codes, other = draw(5), draw(7)
    codes[:, 1], other[:, 2], other[:, 3] = 0, 0, 0.1
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.nan_to_num(np.corrcoef(codes.T, other.T)[:5, 5:])
    expected[:, 3] = 0
    table, varies = correlations(one(codes), two(other))
    np.testing.assert_allclose(table, expected, atol=1e-14)
    assert varies.tolist() == [True, False, True, True, True]


def test_sparse_columns_far_from_zero_are_centred_first():
    codes, other = draw(3, density=1) + 1e6, draw(3, density=1) + 1e6
    expected = np.corrcoef(codes.T, other.T)[:3, 3:]
    table, _ = correlations(sparse.csr_array(codes), sparse.csr_array(other))
    np.testing.assert_allclose(table, expected, atol=1e-8)


def test_stored_zeros_and_float32():
    codes = sparse.csr_array(draw(4).astype(np.float32) + np.float32(2))
    codes.data -= np.float32(2)
    dense = codes.toarray().astype(float)
    table, _ = correlations(codes, codes)
    np.testing.assert_allclose(table, np.corrcoef(dense.T), atol=1e-14)


def test_two_sparse_matrices_are_never_dense(monkeypatch):
    codes = sparse.csr_array(draw(4))
    monkeypatch.setattr(_correlations, "dense_rows", None)
    assert correlations(codes, codes)[0].shape == (4, 4)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_columns_of_any_size(kind):
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((20, 3)) * (rng.uniform(size=(20, 3)) < 0.5)
    sizes = np.array([1e-200, 1.0, 1e200])
    expected, _ = correlations(codes, codes)
    table, varies = correlations(kind(codes * sizes), kind(codes * sizes[::-1]))
    np.testing.assert_allclose(table, expected, atol=1e-12)
    assert varies.all()
