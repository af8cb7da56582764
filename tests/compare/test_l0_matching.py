"""Encoders get the sparsity that is asked for, or it is said why not."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary
from sparsecode.compare import match_l0
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import Exact, Thresholding
from sparsecode.penalties import L1, ElasticNet, KSparse
from sparsecode.solvers import FISTA

dictionary = Dictionary.random(24, 12, random_state=0)
X = make_sparse_signals(300, n_nonzero=3, dictionary=dictionary, snr_db=20, random_state=0).X


def threshold_at(value):
    return Thresholding(L1(value))


def mean_l0(encoder, samples=X):
    return np.count_nonzero(encoder.encode(samples, dictionary), axis=1).mean()


@pytest.mark.parametrize("target", [0.5, 3, 7.5])
@pytest.mark.parametrize("start", [1e-3, 1.0, 1e4])
def test_hits_the_target_from_any_start(target, start):
    matched = match_l0(threshold_at, X, dictionary, target, start=start)
    assert matched.l0 == mean_l0(matched.encoder)
    assert matched.l0 == pytest.approx(target, rel=0.01)
    assert matched.encoder == threshold_at(matched.value)


@pytest.mark.parametrize("encoder", [Exact(), Exact(ElasticNet(2.0), FISTA()), Thresholding()])
def test_an_encoder_with_a_penalty_gets_its_weight(encoder):
    matched = match_l0(encoder, X, dictionary, 4, tol=0.02)
    assert mean_l0(matched.encoder) == pytest.approx(4, rel=0.02)
    assert matched.encoder.penalty == encoder.penalty._replace(alpha=matched.value)
    assert encoder.penalty.alpha in (1.0, 2.0)
    assert getattr(matched.encoder, "solver", None) == getattr(encoder, "solver", None)


def test_a_closed_form():
    """With orthonormal atoms, alpha lies between the order statistics of |x|."""
    samples = np.array([[4.0, 3.0, 2.0, 1.0]])
    for target, low, high in ((1, 3, 4), (2, 2, 3), (4, 0, 1)):
        matched = match_l0(Exact(), samples, np.eye(4), target)
        assert matched.l0 == target and low <= matched.value < high


def test_what_counts_as_nonzero():
    matched = match_l0(threshold_at, X, dictionary, 2, threshold=0.3)
    codes = matched.encoder.encode(X, dictionary)
    assert (np.abs(codes) > 0.3).sum(axis=1).mean() == pytest.approx(2, rel=0.01)


def test_says_when_it_cannot():
    with pytest.warns(ConvergenceWarning, match=r"closest mean l0 to 1.5 is [12], at"):
        match_l0(threshold_at, X[:1], dictionary, 1.5)
    with pytest.warns(ConvergenceWarning, match="Raise tol or max_iter"):
        match_l0(threshold_at, X, dictionary, 3, tol=0, max_iter=1)
    with pytest.raises(ValueError, match=r"target_l0 is 20; .* The closest is 1[0-9]"):
        match_l0(lambda value: Thresholding(L1(value, positive=True)), X, dictionary, 20)
    for target in (0, 25):
        with pytest.raises(ValueError, match="target_l0 is"):
            match_l0(Exact(), X, dictionary, target)
    for encoder in (Exact(KSparse()), object(), Exact):
        with pytest.raises((TypeError, ValueError)):
            match_l0(encoder, X, dictionary, 3)
