import numpy as np
import pytest
from scipy.optimize import minimize

from sparsecode import Dictionary, alpha_max, certify
from sparsecode.penalties import L1, GroupL1
from sparsecode.solvers import FISTA

V = np.random.default_rng(0).standard_normal((7, 6))


def test_groups_of_one_are_the_l1_norm():
    group, plain = GroupL1(0.3, groups=1), L1(0.3)
    np.testing.assert_allclose(group.value(V), plain.value(V), rtol=1e-14)
    np.testing.assert_allclose(group.prox(V, 0.7), plain.prox(V, 0.7), atol=1e-15)


def test_prox_shrinks_the_norm_of_each_group():
    labels = np.array([1, 0, 1, 2, 0, 2])
    weights = np.array([0.5, 2.0, 0.0])
    U = GroupL1(0.8, labels, weights).prox(V, 0.5)
    for k in range(3):
        inside = labels == k
        norm = np.linalg.norm(V[:, inside], axis=1, keepdims=True)
        shrunk = np.maximum(1 - 0.5 * 0.8 * weights[k] / norm, 0)
        np.testing.assert_allclose(U[:, inside], shrunk * V[:, inside], atol=1e-15)


def test_default_weights_are_the_roots_of_the_sizes():
    value = GroupL1(1.0, groups=4).value(V)
    parts = 2 * np.linalg.norm(V[:, :4], axis=1) + np.sqrt(2) * np.linalg.norm(V[:, 4:], axis=1)
    np.testing.assert_allclose(value, parts, rtol=1e-14)


def test_prox_agrees_with_a_general_optimizer():
    penalty = GroupL1(0.6, groups=3)
    U = penalty.prox(V)

    def cost(u, v):
        return ((u - v) ** 2).sum() / 2 + penalty.value(u[None])[0]

    for u, v in zip(U, V, strict=True):
        found = minimize(cost, v, args=(v,), method="Nelder-Mead", options={"maxiter": 4000})
        assert cost(u, v) <= found.fun + 1e-9


def test_relabelled_groups_are_the_same_problem():
    rng = np.random.default_rng(1)
    X, dictionary = rng.standard_normal((5, 4)), Dictionary.random(6, 4, random_state=1)
    order = rng.permutation(6)
    labels = np.array([0, 0, 1, 1, 2, 2])
    solver = FISTA(tol=1e-10)
    plain = solver.solve(X, dictionary, GroupL1(0.2, labels)).codes
    moved = solver.solve(X, dictionary.atoms[order], GroupL1(0.2, labels[order])).codes
    np.testing.assert_allclose(moved, plain[:, order], atol=1e-4)
    zero = plain.reshape(5, 3, 2) == 0
    assert (zero.all(axis=2) == zero.any(axis=2)).all() and zero.any()


def test_alpha_max_is_where_the_first_group_appears():
    rng = np.random.default_rng(2)
    X, dictionary = rng.standard_normal((5, 4)), Dictionary.random(6, 4, random_state=2)
    labels, weights = np.array([0, 1, 0, 1, 1, 2]), np.array([1.0, 0.5, 3.0])
    penalty = GroupL1(1.0, labels, weights)
    largest = alpha_max(X, dictionary, penalty)
    assert largest == max(alpha_max(x[None], dictionary, penalty) for x in X)
    assert all(alpha_max(np.roll(X, i, axis=0), dictionary, penalty) == largest for i in range(5))
    correlations = X @ dictionary.atoms.T
    norms = [np.linalg.norm(correlations[:, labels == k], axis=1) / weights[k] for k in range(3)]
    assert largest == pytest.approx(np.max(norms), rel=1e-12)


def test_dual_excess_is_that_of_the_worst_group():
    norms = np.linalg.norm(V.reshape(7, 3, 2), axis=2)
    excess = GroupL1(0.1, groups=2, weights=[1.0, 2.0, 3.0]).dual_excess(V)
    np.testing.assert_allclose(excess, (norms / [0.1, 0.2, 0.3]).max(axis=1))
    free = GroupL1(0.1, groups=2, weights=[0.0, 2.0, 3.0])
    assert np.isinf(free.dual_excess(V)).all()
    assert free.dual_excess(0 * V).max() <= 1


def test_a_free_group_is_certified():
    rng = np.random.default_rng(3)
    X, dictionary = rng.standard_normal((4, 5)), Dictionary.random(4, 5, random_state=3)
    penalty = GroupL1(0.3, groups=2, weights=[0.0, 1.0])
    result = FISTA(tol=1e-10, max_iter=20000).solve(X, dictionary, penalty)
    assert certify(X, result.codes, dictionary, penalty).relative_gap.max() < 1e-9
    free = (X - result.codes @ dictionary.atoms) @ dictionary.atoms[:2].T
    np.testing.assert_allclose(free, 0, atol=1e-7)


@pytest.mark.parametrize(
    "parameters, words",
    [
        ({"groups": 0}, "whole number >= 1"),
        ({"groups": [0, 2, 2, 0, 0, 0]}, "without gaps"),
        ({"groups": [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]}, "expected a whole number >= 1, or the group"),
        ({"groups": [[0, 0, 1, 1, 2, 2]]}, "expected a whole number >= 1, or the group"),
        ({"groups": 2.0}, "expected a whole number >= 1, or the group"),
        ({"groups": np.zeros(0, dtype=int)}, "expected a whole number >= 1, or the group"),
        ({"groups": [0, 1]}, "shape \\(6,\\)"),
        ({"weights": [1.0]}, "one weight for each group"),
        ({"weights": [1.0, -1.0, 1.0]}, "numbers >= 0"),
        ({"weights": [1.0, np.inf, 1.0]}, "finite"),
    ],
)
def test_refuses(parameters, words):
    with pytest.raises(ValueError, match=words):
        GroupL1(**parameters).value(V)
