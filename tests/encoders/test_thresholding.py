"""Thresholding: exact where atoms are orthogonal, the prox of the correlations elsewhere."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, certify
from sparsecode.encoders import Exact, Thresholding
from sparsecode.penalties import L1, GroupL1
from sparsecode.solvers import ISTA

rng = np.random.default_rng(0)
X = rng.standard_normal((30, 6))


@pytest.mark.parametrize("penalty", [L1(0.4), L1(0.4, positive=True), GroupL1(0.4, [0, 0, 1, 1])])
@pytest.mark.parametrize("norm", [1.0, 3.0])
def test_exact_for_orthogonal_atoms_of_one_norm(penalty, norm):
    atoms = norm * np.linalg.qr(rng.standard_normal((6, 4)))[0].T
    dictionary = Dictionary(atoms, offset=rng.standard_normal(6))
    codes = Thresholding(penalty).encode(X, dictionary)
    assert certify(X, codes, dictionary, penalty).relative_gap.max() < 1e-12
    np.testing.assert_allclose(codes, Exact(penalty).encode(X, dictionary), atol=1e-5)


def test_soft_threshold_of_the_correlations():
    dictionary = Dictionary.random(12, 6, random_state=0)
    correlations = X @ dictionary.atoms.T
    expected = np.sign(correlations) * np.maximum(np.abs(correlations) - 0.4, 0)
    np.testing.assert_allclose(Thresholding(L1(0.4)).encode(X, dictionary), expected, atol=1e-12)
    # The first step of ISTA is the same one, but shorter.
    first = Exact(L1(0.4), ISTA(max_iter=1, tol=0)).encode(X, dictionary)
    np.testing.assert_allclose(first, expected / dictionary.lipschitz, atol=1e-6)


def test_kinds_of_input_and_output(monkeypatch):
    dictionary = Dictionary.random(12, 6, random_state=0)
    encoder = Thresholding(L1(0.4))
    codes = encoder.encode(X, dictionary)
    monkeypatch.setattr("sparsecode.encoders.thresholding._BLOCK_SIZE", 7)
    found = encoder.encode(sparse.csr_array(X), dictionary, sparse_output=True, n_jobs=2)
    assert sparse.issparse(found)
    np.testing.assert_allclose(found.toarray(), codes, atol=1e-12)
    single = encoder.encode(X.astype(np.float32), dictionary.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, codes, atol=1e-5)


def test_missing_entries_add_nothing():
    dictionary = Dictionary(rng.standard_normal((12, 6)), offset=rng.standard_normal(6))
    gone = rng.random(X.shape) < 0.3
    filled = np.where(gone, dictionary.offset, X)
    encoder = Thresholding(L1(0.4))
    found = encoder.encode(np.where(gone, np.nan, X), dictionary, missing=True)
    np.testing.assert_allclose(found, encoder.encode(filled, dictionary), atol=1e-12)
    with pytest.raises(ValueError, match="NaN"):
        encoder.encode(np.where(gone, np.nan, X), dictionary)


def test_refuses():
    with pytest.raises(ValueError, match="X has 6 columns; expected 5"):
        Thresholding().encode(X, np.eye(5))
    with pytest.raises(ValueError, match="alpha"):
        Thresholding(L1(-1.0)).encode(X, np.eye(6))
    with pytest.raises(TypeError, match="penalty"):
        Thresholding("l1").encode(X, np.eye(6))
    assert not Thresholding().encode(X, np.zeros((3, 6))).any()
