"""The tanh penalty: its prox where one, two or three points are stationary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from sparsecode.penalties import L0, L1, Tanh
from sparsecode.testing import check_penalty

# step * alpha * scale^2 from which on the objective of the prox is not convex.
CRITICAL = 3 * np.sqrt(3) / 4


@pytest.mark.parametrize("alpha", [0.0, 0.3, 100.0])
@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_contract(alpha, scale):
    check_penalty(Tanh(alpha, scale))


def test_formulas():
    assert Tanh(2.0, 0.5).value([[-3.0]])[0] == pytest.approx(2 * np.tanh(1.5))
    expected = -2 * 0.5 / np.cosh(1.5) ** 2
    np.testing.assert_allclose(Tanh(2.0, 0.5).grad([[-3.0, 0.0]]), [[expected, 0]])


def cost_of_prox(u, value, weight, scale):
    return (u - value) ** 2 / 2 + weight * np.tanh(scale * np.abs(u))


def best_by_search(value, weight, scale):
    """Smallest objective of the prox: a grid fine at both scales, refined around its best cells."""
    v = abs(value)
    near = np.minimum(np.linspace(0, 12, 1500) / scale, v)
    grid = np.unique(np.concatenate([np.linspace(0, v, 1500), near]))
    cost = cost_of_prox(grid, v, weight, scale)
    inside = (cost[1:-1] <= cost[:-2]) & (cost[1:-1] <= cost[2:])
    found = [cost.min()]
    for i in np.flatnonzero(inside) + 1:
        fine = minimize_scalar(
            cost_of_prox,
            args=(v, weight, scale),
            bounds=(grid[i - 1], grid[i + 1]),
            method="bounded",
            options={"xatol": 1e-12},
        )
        found.append(fine.fun)
    return min(found)


@given(
    value=st.floats(-20, 20),
    weight=st.floats(1e-3, 1e2),
    scale=st.floats(1e-2, 1e2),
)
def test_prox_like_scipy(value, weight, scale):
    found = Tanh(weight, scale).prox([[value]])[0, 0]
    best = best_by_search(value, weight, scale)
    assert cost_of_prox(found, value, weight, scale) <= best + 1e-10 * (1 + best)
    assert found * value >= 0 and abs(found) <= abs(value)


@pytest.mark.parametrize("curvature", [0.3, 1.0, 1.25, CRITICAL, 1.35, 1.5, 2.0, 5.0])
@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_prox_in_every_regime(curvature, scale):
    """Around the critical curvature a minimum near 0 competes with a large one, or merges."""
    weight = curvature / scale**2
    values = np.linspace(0.01, 4, 120) / scale
    found = Tanh(weight, scale).prox(values[:, None])[:, 0]
    for value, u in zip(values, found, strict=True):
        best = best_by_search(value, weight, scale)
        assert cost_of_prox(u, value, weight, scale) <= best + 1e-13 / scale**2
    assert (np.diff(found) >= -1e-12).all()
    if curvature < 1.29:
        # Stationary, to the conditioning of the root.
        slope = found - values + weight * scale / np.cosh(scale * found) ** 2
        assert np.abs(slope[found > 0]).max() < 1e-14 * 10


def test_prox_at_the_triple_root():
    """Where all three stationary points merge, Newton's method is slow but must arrive."""
    bend = np.arctanh(1 / np.sqrt(3))
    value = bend + CRITICAL * 2 / 3
    for shift in (-1e-9, -1e-14, 0, 1e-14, 1e-9):
        found = Tanh(CRITICAL, 1.0).prox([[value + shift]])[0, 0]
        assert found == pytest.approx(bend, abs=2e-3)
        slope = found - value - shift + CRITICAL / np.cosh(found) ** 2
        assert abs(slope) < 1e-14


@pytest.mark.parametrize("scale", [0.5, 4.0, 50.0])
@pytest.mark.parametrize("step", [0.01, 1.0, 50.0])
def test_prox_of_float32_is_that_of_float64(scale, step, rng):
    V = (3 * rng.standard_normal((50, 4))).astype(np.float32)
    penalty = Tanh(0.5, scale)  # Exact in float32.
    step = float(np.float32(step))
    got = penalty.prox(V, step)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, penalty.prox(V.astype(np.float64), step).astype(np.float32))


def test_limits(rng):
    """A large scale makes it the l0 count; a small one, with its weight normalised, l1."""
    V = 2 * rng.standard_normal((5, 4))
    for large in (1e6, 1e100, 1e300):
        np.testing.assert_allclose(Tanh(0.7, large).prox(V, 1.3), L0(0.7).prox(V, 1.3))
        np.testing.assert_allclose(Tanh(0.7, large).value(V), L0(0.7).value(V))
    np.testing.assert_allclose(Tanh(0.7e6, 1e-6).prox(V), L1(0.7).prox(V), atol=1e-9)
    np.testing.assert_allclose(Tanh(0.7e6, 1e-6).value(V), L1(0.7).value(V), rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 1e-300, -1e-30, 1e-8, 1e8, -1e15, 1e200])
def test_prox_of_extreme_values(value):
    for penalty in (Tanh(), Tanh(0.0), Tanh(1e-6, 1e6), Tanh(1e6, 1e-3), Tanh(1e100, 1e100)):
        moved = penalty.prox([[value]])[0, 0]
        assert np.isfinite(moved) and abs(moved) <= abs(value)
        assert np.isfinite(penalty.grad([[value]])).all()
    assert Tanh(0.0).prox([[value]])[0, 0] == value


def test_is_odd_and_neither_convex_nor_smooth(rng):
    V = 3 * rng.standard_normal((6, 3))
    np.testing.assert_array_equal(Tanh().prox(-V), -Tanh().prox(V))
    assert not Tanh.convex and not Tanh.smooth


@pytest.mark.parametrize("scale", [0, -1.0, np.nan, np.inf])
def test_errors_say_what_to_do(scale):
    with pytest.raises(ValueError, match=f"scale is {scale}"):
        Tanh(scale=scale).value([[1.0]])
