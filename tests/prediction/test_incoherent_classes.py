"""Incoherent class dictionaries: objective by plain numpy, steps that fall, and their limit."""

import numpy as np
import pytest
from scipy import optimize, sparse
from sklearn.linear_model import Lasso

from sparsecode import Dictionary
from sparsecode.encoders import Exact
from sparsecode.penalties import L1
from sparsecode.prediction.incoherent_classes import ClassCodes, IncoherentClasses, improved

SPANS = [slice(0, 2), slice(2, 5), slice(5, 7)]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cost_of(x, atoms, alpha):
    model = Lasso(alpha / len(x), fit_intercept=False, tol=1e-12, max_iter=10**5)
    z = model.fit(atoms.T, x).coef_
    return 0.5 * np.sum((x - z @ atoms) ** 2) + alpha * np.abs(z).sum()


@pytest.fixture
def problem(rng):
    X = unit(rng.standard_normal((30, 6)))
    return IncoherentClasses(X, np.arange(30) % 3, SPANS, Exact(L1(0.1)), 0.5)


def test_objective(problem, rng):
    atoms = unit(rng.standard_normal((7, 6)))
    _, cost = next(problem.learn(atoms, 1))
    pairs = ((0, 1), (0, 2), (1, 2))
    total = 0.25 * sum(np.sum((atoms[SPANS[b]] @ atoms[SPANS[c]].T) ** 2) for b, c in pairs)
    total += sum(cost_of(x, atoms[SPANS[i % 3]], 0.1) for i, x in enumerate(problem.X))
    np.testing.assert_allclose(cost, total / 30, rtol=1e-5)


def test_the_objective_falls_and_atoms_stay_in_the_ball(problem, rng):
    states = list(problem.learn(unit(rng.standard_normal((7, 6))), 30))
    costs = np.array([cost for _, cost in states])
    assert (np.diff(costs) < 1e-9).all() and costs[-1] < 0.95 * costs[0]
    assert np.linalg.norm(states[-1][0], axis=1).max() < 1 + 1e-12


def test_atoms_reach_the_minimum_that_scipy_finds(rng):
    X, codes, others = (rng.standard_normal(shape) for shape in ((12, 4), (12, 2), (3, 4)))

    def value(D):
        D = D.reshape(2, 4)
        return 0.5 * np.sum((X - codes @ D) ** 2) + 0.35 * np.sum((D @ others.T) ** 2)

    D = unit(rng.standard_normal((2, 4)))
    for _ in range(100):
        before, D = value(D), improved(D, X, sparse.csr_array(codes), others, 0.7)
        assert value(D) < before + 1e-12
    ball = {"type": "ineq", "fun": lambda D: 1 - np.sum(D.reshape(2, 4) ** 2, axis=1)}
    best = optimize.minimize(value, np.zeros(8), constraints=ball, method="SLSQP", tol=1e-12)
    np.testing.assert_allclose(value(D), best.fun, rtol=1e-6)


def test_an_atom_without_use_stays(rng):
    D, X = unit(rng.standard_normal((2, 4))), rng.standard_normal((5, 4))
    nothing = sparse.csr_array((5, 2))
    np.testing.assert_array_equal(improved(D, X, nothing, D[:0], 0.7), D)
    np.testing.assert_array_equal(improved(D, X, nothing, D, 0.0), D)


def test_incoherence_lowers_cosines(rng):
    X, index = unit(np.abs(rng.standard_normal((60, 6)))), np.arange(60) % 3
    found = []
    for weight in (0.0, 5.0):
        problem = IncoherentClasses(X, index, SPANS, Exact(L1(0.1)), weight)
        *_, (atoms, _) = problem.learn(X[:7], 20)
        found.append(np.linalg.norm(atoms[:2] @ atoms[2:].T))
    assert found[1] < 0.5 * found[0]


def test_codes_and_costs_of_classes(rng, monkeypatch):
    parts = [unit(rng.standard_normal((n, 6))) for n in (2, 3)]
    model = ClassCodes([Dictionary(part) for part in parts], L1(0.1))
    X = unit(rng.standard_normal((8, 6)))
    expected = [[cost_of(x, part, 0.1) for part in parts] for x in X]
    np.testing.assert_allclose(model.costs(X), expected, rtol=1e-5)
    # In blocks, of which the last is not full.
    monkeypatch.setattr("sparsecode.prediction.incoherent_classes.rows_of_codes", lambda n: 3)
    np.testing.assert_allclose(model.costs(X), expected, rtol=1e-5)
    codes = model.encode(X)
    assert codes.shape == (8, 5)
    np.testing.assert_array_equal(model.encode(X, sparse_output=True).toarray(), codes)
    np.testing.assert_allclose(model.decode(codes), codes @ np.concatenate(parts))
