"""Sums over the Gram matrix or the atoms, stopping quantities, and the better of two codes."""

import numpy as np
import pytest

from sparsecode.penalties import L0, L1, ElasticNet
from sparsecode.solvers._kernels.arguments import StopRule
from sparsecode.solvers._kernels.gram_domain import (
    dual_scale,
    improves,
    inner_product,
    objective_of,
    relative_gap,
    relative_residual,
    residual_correlations,
    share_of,
    stop_measure,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_features", [1, 3, 4, 6, 9])
def test_residual_correlations(rng, dtype, n_features):
    """Of every number of nonzeros, with the Gram matrix and with the atoms in its place."""
    atoms = rng.standard_normal((11, n_features)).astype(dtype)
    gram, columns = atoms @ atoms.T, np.ascontiguousarray(atoms.T)
    corr, out = rng.standard_normal(11).astype(dtype), np.empty(11, dtype)
    for count in range(12):
        code, used = np.zeros(11, dtype), np.sort(rng.permutation(11)[:count])
        code[used] = rng.standard_normal(count)
        expected = corr.astype(float) - atoms.astype(float) @ (code @ atoms.astype(float))
        for given in (gram, columns):
            support = np.empty(11, dtype=np.int64)
            assert residual_correlations(corr, code, given, support, out) == count
            np.testing.assert_array_equal(support[:count], used)
            atol = 100 * np.finfo(dtype).eps * n_features
            np.testing.assert_allclose(out, expected, rtol=atol, atol=atol)
    for given in (gram, columns):
        found = [[inner_product(given, 11, i, j) for j in range(11)] for i in range(11)]
        np.testing.assert_allclose(found, gram, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "penalty", [L1(0.3), L1(0.3, positive=True), ElasticNet(0.4, 0.5), L0(0.1)]
)
@pytest.mark.parametrize("size", [0.0, 0.2, 1.0, 40.0])
@pytest.mark.parametrize("shift", range(5))
@pytest.mark.parametrize("unit", [0.3, 1.0])
def test_stopping_quantities(rng, penalty, size, shift, unit):
    """Primal less dual objective, and the length of a proximal step, with dense matrices."""
    atoms, x = np.roll(rng.standard_normal((5, 4)), shift, 0), unit * rng.standard_normal(4)
    code = size * np.roll([0.8, 0.0, 1.0, 0.0, 0.5], shift)
    residual = x - code @ atoms
    corr, left, half = atoms @ x, atoms @ residual, x @ x / 2
    prepared, value = penalty.prepare(5, np.float64), penalty.value(code[None])[0]
    primal = residual @ residual / 2 + value
    assert objective_of(prepared, corr, half, code, left) == pytest.approx(primal)
    moved = penalty.prox((code + left / 20)[None], 1 / 20)[0]
    step = 20 * np.abs(code - moved).max() / np.abs(corr).max()
    assert relative_residual(prepared, corr, 20.0, code, left) == pytest.approx(step)
    stops = [
        stop_measure(prepared, StopRule(b, 20.0, 0.0, 1), corr, half, code, left) for b in (0, 1)
    ]
    assert stops[0] == pytest.approx(step)
    if not penalty.convex:
        return
    scale = dual_scale(prepared, left)
    assert scale == pytest.approx(1 / max(1, penalty.dual_excess(left[None])[0]))
    theta = scale * residual
    dual = half - (x - theta) @ (x - theta) / 2 - penalty.conjugate((atoms @ theta)[None])[0]
    gap = (primal - dual) / half
    assert relative_gap(prepared, scale, corr, half, code, left) == pytest.approx(gap)
    assert stops[1] == pytest.approx(gap)


def test_gaps_of_samples_of_0():
    prepared, zero, one = L1(0.5).prepare(2, np.float64), np.zeros(2), np.array([1.0, 0.0])
    assert relative_gap(prepared, 1.0, zero, 0.0, zero, zero) == 0
    assert relative_gap(prepared, 1.0, zero, 0.0, one, zero) == np.inf
    assert relative_gap(prepared, 1.0, zero, 1.0, zero, zero) == 0


def test_shares_of_no_numbers():
    assert share_of(3.0, 2.0, 3.0) == 1.5 and share_of(3.0, 0.5, 3.0) == 6
    assert share_of(0.0, 0.0, 0.0) == share_of(0.0, 2.0, 0.0) == 0
    assert share_of(1e-9, 0.0, 1e-9) == np.inf
    # A maximum passes over NaN.
    assert share_of(0.0, 2.0, np.nan) == share_of(0.0, 2.0, np.inf) == np.inf


def test_a_residual_that_is_no_number():
    prepared, one = L1(0.5).prepare(2, np.float64), np.ones(2)
    for j in range(2):
        residual = np.ones(2)
        residual[j] = np.nan
        assert relative_residual(prepared, one, 1.0, one, residual) == np.inf


def test_ends_of_rounding():
    """At exactly the rounding, objectives are the same; the later of two alike is kept."""
    assert not improves(0.75, 2.0, 1.0, 1.0, 0.25)
    assert improves(1.25, 0.5, 1.0, 1.0, 0.25)
    assert improves(1.0, 1.0, 1.0, 1.0, 0.25)
    assert improves(0.5, 2.0, 1.0, 1.0, 0.25)


def test_objective_decides_beyond_rounding():
    assert improves(0.8, 9.0, 1.0, 0.1, 0.1)
    assert not improves(1.2, 0.0, 1.0, 9.0, 0.1)


def test_stopping_quantity_decides_within_rounding():
    for value in (0.95, 1.0, 1.05):
        assert improves(value, 0.5, 1.0, 0.6, 0.1)
        assert not improves(value, 0.7, 1.0, 0.6, 0.1)


def test_the_first_code_is_kept_even_if_it_is_not_feasible():
    inf = float("inf")
    assert improves(inf, inf, inf, inf, 0.1)
    assert improves(1.0, inf, inf, inf, 0.1)
    assert not improves(inf, 0.0, 1.0, 0.5, 0.1)
