"""Histories: each entry is what the solver would return if it ended there."""

import numpy as np
import pytest

from sparsecode import certify
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, KSparse
from sparsecode.solvers import (
    ADMM,
    FISTA,
    HTP,
    IHT,
    ISTA,
    LCA,
    ConjugateGradient,
    CoordinateDescent,
    FeatureSign,
    Homotopy,
)

CASES = [
    (ISTA(), L1(0.1)),
    (ISTA(), L0(0.1)),
    (FISTA(), L1(0.1)),
    (FISTA(backtracking=False), ElasticNet(0.2, 0.5)),
    (FISTA(restart=False), L1(0.1, positive=True)),
    (CoordinateDescent(), L1(0.1)),
    (CoordinateDescent(), L0(0.1)),
    (ADMM(), L1(0.1)),
    (LCA(), L1(0.1)),
    (ConjugateGradient(), Cauchy(0.2, 0.5)),
    (FeatureSign(), L1(0.1)),
    (Homotopy(), L1(0.1)),
    (IHT(), KSparse(2)),
    (HTP(), KSparse(2)),
]


@pytest.mark.parametrize(("solver", "penalty"), CASES, ids=repr)
def test_every_entry_is_that_of_the_code_then(solver, penalty, X, frame):
    X = np.concatenate([X[:2], 0 * X[:1]])
    start = 0.1 * penalty.prox(X @ frame.T)
    result = solver.solve(X, frame, penalty, codes=start, record=True)
    objective, stop = result.history["objective"], result.history["stop"]
    assert len(objective) == len(stop) == result.n_iter.max() + 1
    assert np.isfinite(objective).all() and np.isfinite(stop[result.n_iter.max()]).all()
    for s, n_iter in enumerate(result.n_iter):
        assert (objective[n_iter:, s] == objective[n_iter, s]).all()
        assert (stop[n_iter:, s] == stop[n_iter, s]).all()
    np.testing.assert_allclose(objective[-1], result.certificate.objective, rtol=1e-12)
    before = certify(X, start, frame, penalty).objective
    if not isinstance(solver, FeatureSign | Homotopy):
        # These begin with the best code of the signs of the start, or follow a path from 0.
        moved = result.n_iter > 0
        np.testing.assert_allclose(objective[0][moved], before[moved])
    limit = np.minimum(before, (X**2).sum(axis=1) / 2)
    ends = {int(n) - 1 for n in result.n_iter if n > 1}
    for t in sorted(ends.union(range(1, min(6, len(objective))))):
        shorter = type(solver)(**{**solver.get_params(), "tol": 0.0, "max_iter": t})
        certificate = certify(
            X, shorter.solve(X, frame, penalty, codes=start).codes, frame, penalty
        )
        # No code is returned that is above the start.
        there = (t < result.n_iter) & (objective[t] <= limit)
        np.testing.assert_allclose(objective[t][there], certificate.objective[there])
        if isinstance(penalty, L1):
            found = stop[t][there]
            np.testing.assert_allclose(
                found, certificate.relative_gap[there], rtol=1e-5, atol=1e-12
            )
