"""The coherence penalty: descent of the penalised objective, its minimum by SciPy, and learning."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.utils import check_random_state

from sparsecode import Dictionary, DictionaryLearning
from sparsecode.constraints import Free, NonNegative, UnitBall, UnitNorm
from sparsecode.datasets import make_sparse_signals
from sparsecode.updates import BlockUpdate


def objective(X, codes, atoms, gamma, weight=None):
    costs = ((X - codes @ atoms) ** 2).sum(axis=1) / 2
    products = atoms @ atoms.T
    np.fill_diagonal(products, 0)
    return np.average(costs, weights=weight) + gamma / 2 * (products**2).sum()


@pytest.fixture
def batch():
    rng = check_random_state(0)
    codes = rng.standard_normal((40, 7)) * (rng.random_sample((40, 7)) < 0.5)
    codes[:, -1] = 0
    # Atoms that resemble each other, so that the penalty has something to do.
    atoms = rng.standard_normal((7, 5)) + 1
    return rng.standard_normal((40, 5)), codes, atoms, rng.uniform(0.5, 2, 40)


@pytest.mark.parametrize("constraint", [Free(), UnitNorm(), UnitBall(), NonNegative()], ids=repr)
@pytest.mark.parametrize("gamma", [0.01, 1.0, 100.0])
def test_the_penalised_objective_falls_on_every_constraint(batch, constraint, gamma):
    X, codes, atoms, weight = batch
    dictionary = Dictionary(atoms, None, constraint)
    update = BlockUpdate(coherence_penalty=gamma)
    last = objective(X, codes, dictionary.atoms, gamma, weight)
    first = last
    for _ in range(10):
        stats = update.init(dictionary)
        moved = update.update(X, codes, dictionary, stats, sample_weight=weight)[0]
        value = objective(X, codes, moved.atoms, gamma, weight)
        assert value <= last + 1e-10
        np.testing.assert_array_equal(moved.atoms[-1], dictionary.atoms[-1])
        np.testing.assert_allclose(constraint.project(moved.atoms), moved.atoms, atol=1e-14)
        dictionary, last = moved, value
    assert last < first


def test_without_a_constraint_it_ends_where_scipy_ends(batch):
    X, codes, atoms, _ = batch
    codes, atoms = codes[:, :-1], atoms[:-1]
    dictionary = Dictionary(atoms)
    update = BlockUpdate(coherence_penalty=0.3, n_sweeps=400)
    moved = update.update(X, codes, dictionary, update.init(dictionary))[0]
    best = minimize(
        lambda d: objective(X, codes, d.reshape(atoms.shape), 0.3),
        moved.atoms.ravel(),
        options={"gtol": 1e-8},
    )
    assert objective(X, codes, moved.atoms, 0.3) == pytest.approx(best.fun, rel=1e-6)


def test_a_small_penalty_is_none(batch):
    X, codes, atoms, _ = batch
    found = []
    for gamma in (0.0, 1e-9):
        update, dictionary = BlockUpdate(coherence_penalty=gamma, n_sweeps=200), Dictionary(atoms)
        moved = update.update(X, codes, dictionary, update.init(dictionary))[0]
        found.append(objective(X, codes, moved.atoms, 0))
    assert found[1] == pytest.approx(found[0], rel=1e-4)


def test_damping_holds_atoms_back(batch):
    X, codes, atoms, _ = batch
    dictionary, moves = Dictionary(atoms), []
    for damping in (0.0, 10.0):
        update = BlockUpdate(coherence_penalty=0.1, damping=damping)
        moved = update.update(X, codes, dictionary, update.init(dictionary))[0]
        moves.append(np.linalg.norm(moved.atoms - atoms))
    assert moves[1] < 0.8 * moves[0]


def test_learned_atoms_resemble_each_other_less():
    X = make_sparse_signals(300, 16, 10, n_nonzero=3, random_state=0).X
    coherence = []
    for gamma in (0.0, 0.5, 5.0):
        model = DictionaryLearning(
            16, alpha=0.2, update=BlockUpdate(coherence_penalty=gamma), n_epochs=15, random_state=0
        ).fit(X)
        products = model.components_ @ model.components_.T - np.eye(16)
        coherence.append((products**2).sum())
    assert coherence[2] < coherence[1] < coherence[0]


@pytest.mark.parametrize("wrong", [-1.0, np.nan, "a"])
def test_a_bad_weight_is_refused(wrong):
    with pytest.raises((TypeError, ValueError), match="coherence_penalty is"):
        BlockUpdate(coherence_penalty=wrong).init(Dictionary([[1.0, 0.0]]))
