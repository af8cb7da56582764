"""The minimax concave penalty: firm and hard thresholding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from sparsecode.penalties import L0, L1, MCP
from sparsecode.testing import check_penalty


@pytest.mark.parametrize("alpha", [0.0, 0.3, 100.0])
@pytest.mark.parametrize("knot", [0.01, 1.0, 5.0])
def test_contract(alpha, knot):
    check_penalty(MCP(alpha, knot))


@pytest.mark.parametrize("size", [0.0, 0.4, 1.5, 2.0])
def test_value_is_the_integral_of_zhang(size):
    """lambda * int_0^t max(1 - x / (gamma lambda), 0) dx, which defines it in the paper."""
    weight, gamma = 0.5, 3.0
    expected, _ = quad(lambda x: max(1 - x / (gamma * weight), 0), 0, size, points=[1.5])
    penalty = MCP(weight, gamma * weight)
    assert penalty.value([[-size]])[0] == pytest.approx(weight * expected, abs=1e-14)


def test_formulas():
    assert MCP(2.0, 4.0).value([[-1.0, 7.0]])[0] == pytest.approx(2 * (1 - 1 / 8) + 2 * 2)
    np.testing.assert_allclose(
        MCP(2.0, 4.0).grad([[-1.0, 0.0, 3.0, 4.0, -9.0]]), [[-1.5, 0, 0.5, 0, 0]]
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prox_is_the_firm_threshold(dtype):
    """Gao and Bruce: lines from (low, 0) to (high, high), and the identity beyond."""
    alpha, knot, step = 0.8, 2.5, 1.5
    V = np.linspace(-4, 4, 401)[None].astype(dtype)
    low = step * alpha
    size = np.interp(np.abs(V), [0, low, knot, 5], [0, 0, knot, 5])
    got = MCP(alpha, knot).prox(V, step)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, np.sign(V) * size, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("step", [2.5, 4.0, 100.0])
def test_prox_is_the_hard_threshold_of_a_long_step(step):
    """From step * alpha = knot on: that of the l0 count that costs as much as a large code."""
    alpha, knot = 0.8, 2.0
    V = np.linspace(-20, 20, 1000)[None]
    np.testing.assert_array_equal(
        MCP(alpha, knot).prox(V, step), L0(alpha * knot / 2).prox(V, step)
    )


@given(
    value=st.floats(-50, 50),
    weight=st.floats(1e-3, 1e2),
    knot=st.floats(1e-2, 1e2),
    step=st.floats(1e-2, 1e2),
)
def test_prox_is_the_best_of_all_stationary_points(value, weight, knot, step):
    def cost(u):
        size = np.minimum(np.abs(u), knot)
        return (u - value) ** 2 / 2 + step * weight * (size - size**2 / (2 * knot))

    v, t = abs(value), step * weight
    root = (v - t) / (1 - t / knot) if t != knot else 0.0
    points = np.sign(value) * np.array([0, np.clip(root, 0, knot), knot, v])
    found = MCP(weight, knot).prox([[value]], step)[0, 0]
    assert cost(found) <= cost(points).min() + 1e-12 * (1 + v**2)


def test_prox_passes_from_firm_to_hard_without_a_jump():
    """Around step * alpha = knot the two formulas give the same away from the threshold."""
    V = np.array([[-3.0, -0.9, 0.5, 0.999, 1.001, 2.0]])
    for shift in (-1e-9, -1e-15, 0.0, 1e-15, 1e-9):
        np.testing.assert_array_equal(MCP(1 + shift, 1.0).prox(V), L0(0.5).prox(V))


def test_limits(rng):
    """A far knot makes it l1; a near one, with its weight normalised, the l0 count."""
    V = 2 * rng.standard_normal((5, 4))
    for far in (1e9, 1e300):
        np.testing.assert_allclose(MCP(0.7, far).prox(V, 1.3), L1(0.7).prox(V, 1.3), atol=1e-8)
        np.testing.assert_allclose(MCP(0.7, far).value(V), L1(0.7).value(V), rtol=1e-8)
    near = MCP(2 / 1e-9, 1e-9)
    np.testing.assert_allclose(near.prox(V), L0().prox(V), atol=1e-12)
    np.testing.assert_allclose(near.value(V), L0().value(V), rtol=1e-8)


@pytest.mark.parametrize("value", [0.0, 1e-300, -1e-30, 1e-8, 1e8, -1e15, 1e300])
def test_prox_of_extreme_values(value):
    for penalty in (MCP(), MCP(0.0), MCP(1e-200, 1e-200), MCP(1e99, 1e200), MCP(1e-6, 1e6)):
        moved = penalty.prox([[value]])[0, 0]
        assert np.isfinite(moved) and abs(moved) <= abs(value)
        assert np.isfinite(penalty.value([[value]])).all()
    assert MCP(0.0).prox([[value]])[0, 0] == value


def test_is_odd_and_neither_convex_nor_smooth(rng):
    V = 3 * rng.standard_normal((6, 3))
    np.testing.assert_array_equal(MCP().prox(-V), -MCP().prox(V))
    assert not MCP.convex and not MCP.smooth


@pytest.mark.parametrize("knot", [0, -1.0, np.nan, np.inf])
def test_errors_say_what_to_do(knot):
    with pytest.raises(ValueError, match=f"knot is {knot}"):
        MCP(knot=knot).value([[1.0]])
