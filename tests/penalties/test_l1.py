"""The l1 norm: soft thresholding, weights from 0 to infinity, signs."""

import numpy as np
import pytest

from sparsecode.penalties import L1
from sparsecode.testing import check_penalty

WEIGHTS = np.array([0.0, 0.5, 1.0, np.inf])


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 1.0, 1e4])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS[:3].tolist() + [2]], ids=repr)
def test_contract(alpha, positive, weights):
    check_penalty(L1(alpha, weights, positive))


def test_prox_is_soft_thresholding(rng):
    V = 2 * rng.standard_normal((20, 4))
    expected = np.sign(V) * np.maximum(np.abs(V) - 0.6, 0)
    np.testing.assert_allclose(L1(0.3).prox(V, 2.0), expected, atol=1e-15)
    np.testing.assert_allclose(
        L1(0.3, positive=True).prox(V, 2.0), np.maximum(V - 0.6, 0), atol=1e-15
    )
    weighted = np.sign(V) * np.maximum(np.abs(V) - np.array([0, 0.3, 0.6, np.inf]), 0)
    np.testing.assert_allclose(L1(0.3, WEIGHTS).prox(V, 2.0), weighted, atol=1e-15)


def test_value():
    codes = [[3.0, -2.0, 1.0, 0.0]]
    assert L1(0.5).value(codes) == 3
    assert L1(0.5, WEIGHTS).value(codes) == 1
    assert L1(0.5, positive=True).value(codes) == np.inf
    assert L1(0.0, WEIGHTS).value([[0, 0, 0, 1.0]]) == np.inf
    assert L1(0.0, WEIGHTS).value([[9.0, 9, 9, 0]]) == 0


def test_grad_of_an_unused_forbidden_atom_is_zero():
    assert L1(1.0, WEIGHTS).grad([[1.0, -1.0, 0.0, 0.0]]).tolist() == [[0, -0.5, 0, 0]]


def test_thresholds_and_free_atoms():
    np.testing.assert_array_equal(L1(2.0, WEIGHTS).thresholds(4), [0, 1, 2, np.inf])
    np.testing.assert_array_equal(L1(0.0, WEIGHTS).thresholds(4), [0, 0, 0, np.inf])
    assert L1(2.0, WEIGHTS).unpenalized(4).tolist() == [True, False, False, False]
    assert L1(0.0).unpenalized(2).tolist() == [True, True]


def test_scaling_keeps_the_weights():
    scaled = L1(0.5, WEIGHTS, True).scaled(4)
    assert scaled.alpha == 2 and scaled.weights is WEIGHTS and scaled.positive


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (L1(-0.1), "alpha is -0.1; expected alpha >= 0"),
        (L1(np.nan), "alpha is nan; expected a finite number"),
        (L1(weights=[1.0, -1.0]), "weights of L1 is .*expected a 1-D array of numbers >= 0"),
        (L1(weights=[np.nan, 1.0]), "weights of L1 is .*expected a 1-D array of numbers >= 0"),
        (L1(weights=[[1.0, 1.0]]), "weights of L1 is .*expected a 1-D array"),
        (L1(weights=[1.0]), r"weights of L1 is an array of shape \(1,\); expected shape \(2,\)"),
        (L1(weights=[]), "weights of L1 is"),
        (L1(positive=1), "positive is 1; expected True or False"),
    ],
)
def test_errors_say_what_to_do(penalty, message):
    with pytest.raises(ValueError, match=message):
        penalty.prox([[1.0, 2.0]])


def test_dual_excess():
    assert L1(0.5).dual_excess([[1.0, -2.0]]) == 4
    assert L1(0.5, positive=True).dual_excess([[1.0, -2.0]]) == 2
    assert L1(1.0, weights=[0.0, 1.0]).dual_excess([[1e-9, 0.0]]) == np.inf
