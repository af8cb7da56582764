"""Many atoms: the same codes without the Gram matrix of all of them, in little memory."""

import inspect
import tracemalloc

import numpy as np
import pytest

from sparsecode import Dictionary, DictionaryLearning, SparseCoder, alpha_max, certify, dropin
from sparsecode import solvers as all_solvers
from sparsecode.penalties import (
    L0,
    L1,
    MCP,
    SCAD,
    Cauchy,
    ElasticNet,
    GroupL1,
    KSparse,
    LogSum,
    Tanh,
)
from sparsecode.solvers import (
    ADMM,
    FISTA,
    HTP,
    IHT,
    ISTA,
    LCA,
    OLS,
    OMP,
    ConjugateGradient,
    CoordinateDescent,
    FeatureSign,
    Homotopy,
    _many_atoms,
    _problem,
)

WEIGHTS = np.where(np.arange(60) % 7 == 3, np.inf, 1 + np.arange(60) % 5)
FREE = np.where(np.arange(60) % 20 == 3, 0.0, 1.0)
CONVEX = [L1(0.2), L1(0.2, WEIGHTS), L1(0.2, None, True), ElasticNet(0.3, 0.6), L1(0.0)]
CASES = [
    *((cls(), penalty) for cls in (FeatureSign, Homotopy, CoordinateDescent) for penalty in CONVEX),
    (CoordinateDescent(), L1(0.2, FREE)),
    (FeatureSign(), L1(0.2, FREE)),
    *((cls(tol=1e-9), L1(0.2, WEIGHTS)) for cls in (FISTA, ADMM, LCA)),
    (ISTA(tol=1e-6), ElasticNet(0.3, 0.6)),
    (FISTA(tol=1e-9), GroupL1(0.2)),
    (ADMM(tol=1e-9), ElasticNet(0.3, 0.0)),
    (ConjugateGradient(), Cauchy(0.2)),
    (FISTA(), Cauchy(0.2)),
    (LCA(), L0(0.05)),
    (FISTA(), MCP(0.2, 3.0)),
    (OMP(), KSparse(4)),
    (OLS(), KSparse(4)),
    (OMP(), KSparse(None, 0.5)),
    (IHT(), KSparse(4)),
    (HTP(), KSparse(4)),
]
NOT_CONVEX = [L0(0.05), MCP(0.2, 3.0), SCAD(0.2, 3.7), LogSum(0.2, 0.5), Tanh(0.2, 0.5)]


def make_problem(n_components=60, n_features=9, n_samples=7, seed=0):
    rng = np.random.default_rng(seed)
    atoms = (
        rng.standard_normal((n_components, n_features)) * rng.uniform(0.5, 2, n_components)[:, None]
    )
    return rng.standard_normal((n_samples, n_features)), Dictionary(
        atoms, rng.standard_normal(n_features)
    )


@pytest.fixture
def many(monkeypatch):
    """All dictionaries have many atoms, of which few are looked at first."""

    def begin():
        monkeypatch.setattr(_problem, "_FEW_ATOMS", 0)
        monkeypatch.setattr(_problem, "MOST_GRAM_BYTES", 0)
        monkeypatch.setattr(_many_atoms, "_FIRST_ATOMS", 4)

    return begin


@pytest.mark.parametrize(("solver", "penalty"), CASES, ids=lambda value: str(value)[:40])
def test_codes_are_those_with_the_gram_matrix(many, solver, penalty):
    X, dictionary = make_problem()
    whole = solver.solve(X, dictionary, penalty)
    many()
    fresh = Dictionary(dictionary.atoms, dictionary.offset)
    result = solver.solve(X, fresh, penalty)
    assert "gram" not in fresh.__dict__
    assert result.converged.all() and whole.converged.all()
    judged, expected = result.certificate, whole.certificate
    unit = expected.energy
    assert np.abs(judged.objective - expected.objective).max() <= 2e-6 * unit.max()
    if penalty.convex and judged.relative_gap.max() < np.inf:
        assert judged.relative_gap.max() <= max(solver.tol, 1e-6)
