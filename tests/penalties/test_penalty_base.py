"""What every penalty shares, on arrays."""

import inspect
import re
from collections import namedtuple

import numpy as np
import pytest
from scipy import sparse

from sparsecode.losses.terms.penalty import check_differentiable
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, GroupL1, KSparse, LogSum, Penalty
from sparsecode.penalties.base import resolve_penalty
from sparsecode.testing.solvers import default_penalties

ALL = [L0(), L1(), Cauchy(), ElasticNet(), LogSum()]
every = pytest.mark.parametrize("penalty", ALL, ids=repr)


@every
def test_rows_do_not_know_each_other(penalty, rng):
    V = rng.standard_normal((6, 3))
    order = rng.permutation(6)
    np.testing.assert_array_equal(penalty.prox(V)[order], penalty.prox(V[order]))
    np.testing.assert_array_equal(penalty.value(V)[order], penalty.value(V[order]))


@every
def test_odd_prox_and_even_value(penalty, rng):
    V = rng.standard_normal((6, 3))
    np.testing.assert_array_equal(penalty.prox(-V), -penalty.prox(V))
    np.testing.assert_array_equal(penalty.value(-V), penalty.value(V))


@every
@pytest.mark.parametrize("method", ["value", "prox", "grad"])
def test_refuses_bad_arrays(penalty, method):
    with pytest.raises(ValueError, match="contains NaN"):
        getattr(penalty, method)([[np.nan]])
    with pytest.raises(ValueError, match="Expected 2D array"):
        getattr(penalty, method)([1.0])


@every
def test_integers_become_float64_and_half_precision_float32(penalty):
    assert penalty.prox([[3, 0]]).dtype == np.float64
    assert penalty.prox(np.array([[3, 0]], dtype=np.float16)).dtype == np.float32


@pytest.mark.parametrize("step", [0, -1, np.nan, np.inf, "1", True])
def test_refuses_bad_steps(step):
    with pytest.raises(ValueError, match="step is"):
        L1().prox([[1.0]], step)


@pytest.mark.parametrize("alpha", [-1, np.nan, np.inf, None, "1", [1.0], True])
@every
def test_refuses_bad_weights(penalty, alpha):
    with pytest.raises(ValueError, match=r"alpha is .*expected"):
        penalty._replace(alpha=alpha).checked()


def test_a_penalty_is_a_tuple_of_its_parameters():
    assert tuple(Cauchy(2.0, 3.0)) == (2.0, 3.0)
    assert Cauchy(2.0) == Cauchy(2.0, 1.0) != Cauchy(1.0)
    assert isinstance(L1(), Penalty)
    assert repr(ElasticNet(0.5)) == "ElasticNet(alpha=0.5, l1_ratio=0.5, positive=False)"


def test_kinds():
    assert [p.convex for p in ALL] == [False, True, False, True, False]
    assert [p.smooth for p in ALL] == [False, False, True, False, False]


@pytest.mark.parametrize("penalty", default_penalties(), ids=repr)
def test_value_of_sparse_codes_is_that_of_dense_ones(penalty, rng):
    dense = rng.standard_normal((5, 6)) * (rng.uniform(size=(5, 6)) < 0.4)
    dense[2, 1:3] = 1
    codes = sparse.csr_array(np.ones((5, 6)))
    codes.data[:] = dense.ravel()
    np.testing.assert_allclose(penalty.value(codes), penalty.value(dense), rtol=1e-12)


def test_a_penalty_is_given_as_a_class_or_an_instance():
    assert resolve_penalty(LogSum, 0.3) == LogSum(0.3)
    assert resolve_penalty(LogSum(2.0, 0.5), 0.3) == LogSum(0.6, 0.5)
    for given in (Penalty, "l1", None, int):
        message = re.escape(f"penalty is {given!r}; expected a Penalty, its class")
        with pytest.raises(TypeError, match=message):
            resolve_penalty(given, 1.0)
    with pytest.raises(ValueError, match="alpha is -1"):
        resolve_penalty(L1, -1.0)


@pytest.mark.parametrize("penalty", [L1(0.5), L1(0.5, positive=True), ElasticNet(0.5, 1.0)])
def test_dual_scales_make_correlations_feasible_and_only_those_that_are_not(penalty, rng):
    correlations = rng.standard_normal((8, 3)) * ([[0.1], [4.0]] * 4)
    (scale,) = penalty.dual_scales(np.zeros((8, 3)), correlations)
    excess = penalty.dual_excess(correlations)
    np.testing.assert_allclose(scale * np.maximum(excess, 1), 1)
    assert (penalty.dual_excess(scale[:, None] * correlations) <= 1 + 1e-12).all()
    assert (scale == 1).any() and (scale < 1).any()


@every
def test_stationarity_is_the_length_of_a_proximal_step(penalty, rng):
    codes, correlations = rng.standard_normal((2, 7, 3))
    moved = penalty.prox(codes + correlations / 2.5, 1 / 2.5)
    found = penalty.stationarity(codes, correlations, 2.5, np.ones(7))
    np.testing.assert_allclose(found, 2.5 * np.abs(codes - moved).max(axis=1))


def test_some_atoms_have_their_own_weights():
    some = L1(0.5, np.array([1.0, 2.0, 3.0]), True).for_atoms(np.array([2, 0]))
    assert some.weights.tolist() == [3, 1] and some.alpha == 0.5 and some.positive
    assert LogSum(0.3, 0.2).for_atoms(np.array([1])) == LogSum(0.3, 0.2)
    with pytest.raises(TypeError, match="GroupL1 is not a sum over coefficients"):
        GroupL1().for_atoms(np.array([1]))


class HalfSquares(Penalty, namedtuple("HalfSquares", ["alpha"])):
    """With a gradient of rows, and none of a coefficient."""

    __slots__ = ()

    def grad(self, codes):
        return self.alpha * codes


def test_training_needs_a_gradient():
    for penalty in (L1(), Cauchy(), HalfSquares(1.0)):
        check_differentiable(penalty)
    for penalty in (KSparse(2), GroupL1()):
        with pytest.raises(TypeError, match="with a gradient"):
            check_differentiable(penalty)
    with pytest.raises(TypeError, match=r"penalty is .*L1"):
        check_differentiable(L1)


def test_a_signature_shows_types_as_they_are_written():
    weights = inspect.signature(L1).parameters["weights"]
    assert str(weights) == "weights: 'ArrayLike | None' = None"
