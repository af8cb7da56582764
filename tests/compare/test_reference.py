"""The run of FISTA that encoders are measured by, against FISTA stopped by hand."""

import numpy as np
import pytest

from sparsecode import Dictionary, certify
from sparsecode.compare._reference import Reference
from sparsecode.datasets import make_sparse_signals
from sparsecode.penalties import L1
from sparsecode.solvers import FISTA

PENALTY, TOL = L1(0.1), 1e-4
dictionary = Dictionary.random(24, 12, random_state=0)
X = make_sparse_signals(6, n_nonzero=3, dictionary=dictionary, snr_db=20, random_state=0).X


@pytest.fixture
def reference():
    return Reference(X, dictionary, PENALTY, tol=TOL, n_jobs=1)


def judged(n_iter, start=None):
    """Certificate of FISTA after so many iterations."""
    if n_iter == 0:
        codes = np.zeros((6, 24)) if start is None else start
    else:
        codes = FISTA(max_iter=n_iter, tol=0).solve(X, dictionary, PENALTY, codes=start).codes
    return certify(X, codes, dictionary, PENALTY)


def assert_first(n_iter, start=None):
    """After so many iterations the gap of each sample is good enough, and after none fewer."""
    gaps = np.array([judged(t, start).relative_gap for t in range(max(n_iter) + 1)])
    for gap, n in zip(gaps.T, n_iter, strict=True):
        assert gap[n] <= TOL * (1 + 1e-6) and (gap[:n] > TOL * (1 - 1e-6)).all()


def test_iterations_are_those_after_which_the_certificate_is_good(reference):
    assert_first(reference.n_iter)
    start = np.random.default_rng(0).standard_normal((6, 24))
    assert_first(reference.n_iter_from(start), start)
    assert not reference.n_iter_from(reference.codes).any()


def test_curve_is_the_mean_objective(reference, monkeypatch):
    for t in (0, 1, 3, 8):
        assert reference.curve[t] == pytest.approx(judged(t).objective.mean(), rel=1e-9)
    assert reference.curve[-1] - reference.optimum <= TOL * reference.half_squared_norm
    assert reference.optimum == certify(X, reference.codes, dictionary, PENALTY).objective.mean()
    assert reference.half_squared_norm == pytest.approx((X**2).sum(axis=1).mean() / 2)
    monkeypatch.setattr("sparsecode.compare._reference._BLOCK_SIZE", 4)
    blocks = Reference(X, dictionary, PENALTY, tol=TOL, n_jobs=2)
    np.testing.assert_allclose(blocks.curve, reference.curve)
    assert_first(blocks.n_iter)


def test_iterations_to_an_objective(reference):
    curve, slack = reference.curve, TOL * reference.half_squared_norm
    for t in (1, 3, 8):
        assert reference.n_iter_to(curve[t]) <= t
        assert reference.n_iter_to(curve[t] - slack - 1e-9) > t
        assert reference.n_iter_to(curve[t] - slack + 1e-9) == t
    assert reference.n_iter_to(np.inf) == 0
    assert reference.n_iter_to(reference.optimum) < len(curve)
    assert reference.n_iter_to(reference.optimum - 2 * slack) == np.inf
