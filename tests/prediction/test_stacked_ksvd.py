"""Stacked K-SVD: one problem for three, its maps, and one iteration by plain numpy."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge, orthogonal_mp

from sparsecode import Dictionary
from sparsecode.prediction.stacked_ksvd import Stack, first_atoms, ridge_map
from sparsecode.updates import KSVD

CLASSES = np.array([0, 0, 1, 1, 1, 2, 2])


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def stack(rng):
    X, index = unit(rng.standard_normal((60, 8))), np.arange(60) % 3
    return Stack(X, index, CLASSES, 0.5, 2.0, 2, 0.3)


@pytest.fixture
def atoms(rng):
    return unit(rng.standard_normal((7, 8)))


def blocks_of(stack):
    H = np.eye(3)[stack.index]
    return stack.X, H[:, CLASSES], H


def test_the_objective_is_the_sum_of_three(stack, atoms):
    dictionary, objective = next(stack.learn(stack.start(atoms), KSVD(), 1))
    codes = stack.encoder.encode(stack.features(), dictionary)
    assert (codes != 0).sum(axis=1).max() <= 2
    maps, norms = stack.unstacked(dictionary), np.linalg.norm(dictionary.atoms[:, :8], axis=1)
    scaled = codes * norms
    np.testing.assert_allclose(np.linalg.norm(maps.atoms, axis=1), 1)
    errors = [
        np.sum((block - scaled @ part) ** 2) / 2
        for block, part in zip(blocks_of(stack), maps, strict=True)
    ]
    np.testing.assert_allclose(objective, np.dot([1, 0.5, 2.0], errors) / 60)


def test_the_start_has_ridge_maps(stack, atoms):
    codes = orthogonal_mp(atoms.T, stack.X.T, n_nonzero_coefs=2).T
    maps = stack.unstacked(stack.start(atoms))
    np.testing.assert_allclose(maps.atoms, atoms)
    for block, part in zip(blocks_of(stack)[1:], maps[1:], strict=True):
        expected = Ridge(alpha=0.3, fit_intercept=False).fit(codes, block).coef_.T
        np.testing.assert_allclose(part, expected, atol=1e-8)
    np.testing.assert_allclose(stack.fitted_labels(atoms), maps.labels)


def test_a_ridge_map_is_stationary(rng):
    codes, targets = rng.standard_normal((30, 4)), rng.standard_normal((30, 3))
    A = ridge_map(sparse.csr_array(codes), targets, 0.7)

    def objective(A):
        return np.sum((targets - codes @ A) ** 2) + 0.7 * np.sum(A**2)

    for at in np.ndindex(A.shape):
        step = np.zeros_like(A)
        step[at] = 1e-5
        assert abs(objective(A + step) - objective(A - step)) < 1e-9


def test_an_iteration_as_in_numpy(stack, atoms):
    start = stack.start(atoms)
    S, D = stack.features(), start.atoms.copy()
    (_, before), (_, after), *_ = stack.learn(start, KSVD(), 2)
    Z = orthogonal_mp(D.T, S.T, n_nonzero_coefs=2).T
    np.testing.assert_allclose(before, np.sum((S - Z @ D) ** 2) / 120)
    for j in range(7):
        users = Z[:, j] != 0
        E = S[users] - Z[users] @ D + np.outer(Z[users, j], D[j])
        left, values, right = np.linalg.svd(E, full_matrices=False)
        D[j], Z[users, j] = right[0], left[:, 0] * values[0]
    Z = orthogonal_mp(D.T, S.T, n_nonzero_coefs=2).T
    np.testing.assert_allclose(after, np.sum((S - Z @ D) ** 2) / 120)


def test_blocks_of_weight_zero_are_left_out(stack, atoms):
    for weights, shape in (((0.0, 2.0), 11), ((0.5, 0.0), 15)):
        part = Stack(stack.X, stack.index, CLASSES, *weights, 2, 0.3)
        assert part.features().shape == (60, shape)
        maps = part.unstacked(part.start(atoms))
        assert [m is None for m in maps] == [False, weights[0] == 0, weights[1] == 0]


def test_an_atom_of_labels_only_has_no_say(stack, atoms):
    stacked = np.array(stack.start(atoms).atoms)
    stacked[0, :8] = 0
    maps = stack.unstacked(Dictionary(stacked))
    assert not any(part[0].any() for part in maps) and np.isfinite(maps.labels).all()


def test_first_atoms_fit_their_class_better(stack, atoms):
    found = first_atoms(stack.X, stack.index, Dictionary(atoms), CLASSES, 1)
    for c in range(3):
        X = stack.X[stack.index == c]
        best = [(np.max((X @ D[c == CLASSES].T) ** 2, axis=1)).sum() for D in (atoms, found)]
        assert best[1] > best[0]
