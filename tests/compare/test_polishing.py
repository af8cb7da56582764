"""Polishing reaches the tolerance from wherever it starts."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.compare import polish
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import Exact, Thresholding
from sparsecode.penalties import L1, ElasticNet, GroupL1, KSparse
from sparsecode.solvers import FISTA

rng = np.random.default_rng(0)
dictionary = Dictionary.random(24, 12, random_state=0)
X = make_sparse_signals(40, n_nonzero=3, dictionary=dictionary, snr_db=20, random_state=0).X
PENALTIES = [L1(0.1), L1(0.1, positive=True), ElasticNet(0.1), GroupL1(0.1, np.arange(24) // 3)]


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("tol", [1e-3, 1e-8])
def test_reaches_the_tolerance_from_any_codes(penalty, tol):
    for start in (rng.standard_normal((40, 24)), Thresholding(penalty).encode(X, dictionary)):
        before = start.copy()
        result = polish(X, start, dictionary, penalty, tol)
        assert result.converged.all()
        assert result.certificate.relative_gap.max() <= tol
        np.testing.assert_array_equal(start, before)


def test_the_optimum_stays_and_a_good_start_saves():
    exact = Exact(L1(0.1)).encode(X, dictionary)
    assert polish(X, exact, dictionary, L1(0.1)).n_iter.max() == 0
    near = Exact(L1(0.1), FISTA(max_iter=100, tol=0)).encode(X, dictionary)
    cold = polish(X, np.zeros((40, 24)), dictionary, L1(0.1)).n_iter.mean()
    assert polish(X, near, dictionary, L1(0.1)).n_iter.mean() < 0.5 * cold


def test_refuses():
    with pytest.raises(TypeError, match=r"polish needs a weighted penalty; KSparse .* Use debias"):
        polish(X, np.zeros((40, 24)), dictionary, KSparse(3))
    with pytest.raises(ValueError, match="codes has shape"):
        polish(X, np.zeros((40, 23)), dictionary, L1(0.1))
    with pytest.raises(ValueError, match="tol"):
        polish(X, np.zeros((40, 24)), dictionary, L1(0.1), -1.0)
