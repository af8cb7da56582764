"""Criteria to choose a model by, against the models that they come from."""

import numpy as np
import pytest
from scipy import sparse, stats
from scipy.special import comb

from sparsecode import Dictionary
from sparsecode.metrics import bic, code_length


def test_bic_is_that_of_a_gaussian_model(signals):
    X, codes, atoms = signals
    residual = X - codes @ atoms
    likelihood = stats.norm(scale=residual.std()).logpdf(residual).sum()
    n_parameters = np.count_nonzero(codes) + atoms.size
    constant = X.size * np.log(2 * np.pi * np.e)
    expected = -2 * likelihood - constant + n_parameters * np.log(X.size)
    assert bic(X, codes, atoms) == pytest.approx(expected, rel=1e-4)
    assert bic(codes @ atoms, codes, atoms) < bic(X, codes, atoms)
    assert bic([[1.0, 0.0]], [[1.0]], [[1.0, 0.0]]) == -np.inf


def test_code_length_is_the_sum_of_its_parts(signals):
    X, codes, atoms = signals
    n, p = X.shape
    s = np.sqrt(np.mean((X - codes @ atoms) ** 2))
    bits = n * p * stats.norm(scale=s).entropy() / np.log(2) - n * p * np.log2(0.01)
    for column, atom in zip(codes.T, atoms, strict=True):
        m = np.count_nonzero(column)
        bits += np.log2(n + 1) + np.log2(comb(n, m))
        entropy = stats.laplace(scale=np.abs(column[column != 0]).mean()).entropy() / np.log(2)
        step = np.sqrt(12) * s / np.linalg.norm(atom)
        bits += m * max(1, entropy - np.log2(step) + 0.5 * np.log2(np.e))
    bits += atoms.size / 2 * np.log2(n)
    assert code_length(X, codes, atoms, precision=0.01) == pytest.approx(bits)
    # Another precision of the data is a constant.
    finer = code_length(X, codes, atoms, precision=0.005)
    assert finer - bits == pytest.approx(X.size)


def test_code_length_does_not_depend_on_units_or_norms(signals):
    X, codes, atoms = signals
    bits = code_length(X, codes, atoms)
    assert code_length(7 * X, 7 * codes, atoms) == pytest.approx(bits)
    assert code_length(X, codes / 7, 7 * atoms) == pytest.approx(bits)
    offset = np.arange(8.0)
    precision = X.std() / 256
    shifted = code_length(X + offset, codes, Dictionary(atoms, offset), precision=precision)
    assert shifted == pytest.approx(bits)


def test_the_shortest_code_is_the_true_one(signals):
    X, codes, atoms = signals
    bits = code_length(X, codes, atoms)
    least_squares = X @ np.linalg.pinv(atoms)
    assert bits < code_length(X, least_squares, atoms)
    assert bits < code_length(X, np.where(np.abs(codes) > 0.7, codes, 0), atoms)
    assert bits < code_length(X, np.zeros_like(codes), atoms)
    more = np.hstack([codes, np.zeros((300, 5))])
    assert bits < code_length(X, more, np.vstack([atoms, atoms[:5]]))
    # A perfect reconstruction is no better than rounding.
    assert np.isfinite(code_length(codes @ atoms, codes, atoms))
    with pytest.raises(ValueError, match="precision"):
        code_length(X, codes, atoms, precision=0)
    with pytest.raises(ValueError, match="precision"):
        code_length(np.ones((3, 8)), codes[:3], atoms)


def test_samples_on_disk_or_sparse_and_float32(signals, tmp_path):
    X, codes, atoms = signals
    X[np.abs(X) < 0.3] = 0
    np.save(tmp_path / "X.npy", X)
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    for criterion in (bic, code_length):
        expected = criterion(X, codes, atoms)
        assert criterion(sparse.csr_array(X), codes, atoms) == pytest.approx(expected)
        assert criterion(on_disk, codes, atoms) == pytest.approx(expected)
        single = [array.astype(np.float32) for array in (X, codes, atoms)]
        again = criterion(*[array.astype(float) for array in single])
        assert criterion(*single) == pytest.approx(again, rel=1e-13)
