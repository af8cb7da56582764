"""ISTA is exactly the iteration of the paper."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.penalties import L0, L1, Cauchy, LogSum
from sparsecode.solvers import ISTA


@pytest.mark.parametrize("penalty", [L1(0.3), L0(0.3), LogSum(0.3), Cauchy(0.3)], ids=repr)
@pytest.mark.parametrize("n_iter", [1, 2, 11])
def test_is_the_textbook_iteration(X, frame, penalty, n_iter, rng):
    # Close enough to 0 that the iterations are better than that.
    start = 0.1 * rng.standard_normal((len(X), 9))
    step = 1 / (Dictionary(frame).lipschitz * (1 + 1e-6))
    expected = start
    for _ in range(n_iter):
        expected = penalty.prox(expected + step * (X - expected @ frame) @ frame.T, step)
    result = ISTA(max_iter=n_iter, tol=0).solve(X, frame, penalty, codes=start)
    np.testing.assert_allclose(result.codes, expected, atol=1e-12)


@pytest.mark.parametrize("penalty", [L1(0.3), L0(0.3), LogSum(0.3, 0.1), Cauchy(0.3)], ids=repr)
def test_objective_never_rises(X, frame, penalty, rng):
    start = 3 * rng.standard_normal((len(X), 9))
    result = ISTA(max_iter=60, tol=0).solve(X, frame, penalty, codes=start, record=True)
    objective = result.history["objective"]
    assert (np.diff(objective, axis=0) <= 1e-12 * objective[0]).all()


def test_sublinear_bound_of_the_paper(X, frame):
    """F(z_k) - F* <= L ||z_0 - z*||^2 / (2 k)."""
    penalty, dictionary = L1(0.1), Dictionary(frame)
    best = ISTA(max_iter=100_000, tol=1e-12).solve(X, dictionary, penalty)
    history = ISTA(max_iter=40, tol=0).solve(X, dictionary, penalty, record=True).history
    k = np.arange(1, 41)[:, None]
    bound = dictionary.lipschitz * (best.codes**2).sum(axis=1) / (2 * k)
    excess = history["objective"][1:] - best.certificate.objective
    assert (excess <= bound * (1 + 1e-5) + 1e-12).all()
