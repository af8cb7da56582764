"""The smoothly clipped absolute deviation: three pieces, and the jumps of long steps."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from sparsecode.penalties import L1, MCP, SCAD
from sparsecode.testing import check_penalty


@pytest.mark.parametrize("alpha", [0.0, 0.3, 100.0])
@pytest.mark.parametrize(("knot", "a"), [(0.01, 3.7), (1.0, 1.2), (5.0, 30.0)])
def test_contract(alpha, knot, a):
    check_penalty(SCAD(alpha, knot, a))


@pytest.mark.parametrize("size", [0.0, 0.4, 1.5, 4.0])
def test_value_is_the_integral_of_fan_and_li(size):
    """p'(t) = lambda {I(t <= lambda) + max(a lambda - t, 0) / ((a - 1) lambda) I(t > lambda)}."""
    weight, a = 0.5, 3.7

    def slope(t):
        inside = max(a * weight - t, 0) / ((a - 1) * weight)
        return weight * (1.0 if t <= weight else inside)

    penalty = SCAD(weight, a * weight, a)
    expected, _ = quad(slope, 0, size, points=[weight, a * weight])
    assert penalty.value([[-size]])[0] == pytest.approx(expected, abs=1e-12)
    if size > 0:
        assert penalty.grad([[-size]])[0, 0] == pytest.approx(-slope(size), abs=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("weight", "a"), [(1.0, 3.7), (0.3, 2.5)])
def test_prox_is_the_three_pieces_of_fan_and_li(dtype, weight, a):
    """Their equation for the thresholded estimate, at a step of 1."""
    V = np.linspace(-8, 8, 1601)[None].astype(dtype)
    size = np.abs(V).astype(np.float64)
    middle = ((a - 1) * size - a * weight) / (a - 2)
    expected = np.where(size > a * weight, size, middle)
    expected = np.where(size <= 2 * weight, np.maximum(size - weight, 0), expected)
    got = SCAD(weight, a * weight, a).prox(V)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, np.sign(V) * expected, atol=40 * np.finfo(dtype).eps)


@given(
    value=st.floats(-50, 50),
    weight=st.floats(1e-3, 1e2),
    knot=st.floats(1e-2, 1e2),
    a=st.floats(1.001, 50),
    step=st.floats(1e-2, 1e2),
)
def test_prox_like_scipy(value, weight, knot, a, step):
    """Each of the three pieces has one minimum at its ends, or one inside."""
    low = knot / a

    def cost(u):
        size = min(abs(u), knot)
        over = max(size - low, 0)
        return (u - value) ** 2 / 2 + step * weight * (size - over**2 / (2 * (knot - low)))

    sign, options = np.sign(value) or 1.0, {"xatol": 1e-11}
    pieces = itertools.pairwise([0.0, low, knot, knot + abs(value)])
    points = [0.0, low, knot, abs(value)]
    points += [
        minimize_scalar(lambda u: cost(sign * u), bounds=b, method="bounded", options=options).x
        for b in pieces
        if b[1] > b[0]
    ]
    best = min(cost(sign * u) for u in points)
    found = SCAD(weight, knot, a).prox([[value]], step)[0, 0]
    assert cost(found) <= best + 1e-10 * (1 + best)
    assert found * value >= 0 and abs(found) <= abs(value)


@pytest.mark.parametrize("step", [2.0, 3.5, 7.0, 50.0])
def test_both_sides_of_the_jump_cost_the_same(step):
    """Concave between the knots 1 and 3; at step * alpha = 4 the threshold changes its formula."""
    penalty = SCAD(1.0, 3.0, 3.0)
    low, high = 0.0, 100.0
    for _ in range(200):
        middle = (low + high) / 2
        kept = penalty.prox([[middle]], step)[0, 0] == middle
        low, high = (low, middle) if kept else (middle, high)
    below, above = penalty.prox([[low], [high]], step)[:, 0]
    assert above == high >= 3 and below <= 1
    cost = [(u - high) ** 2 / 2 + step * penalty.value([[u]])[0] for u in (below, above)]
    assert cost[0] == pytest.approx(cost[1], rel=1e-12)


def test_limits(rng):
    """A far knot makes it l1, a large quotient of the knots the MCP, one of 1 a cut-off l1."""
    V = 2 * rng.standard_normal((5, 4))
    for far in (1e9, 1e300):
        np.testing.assert_array_equal(SCAD(0.7, far).prox(V, 1.3), L1(0.7).prox(V, 1.3))
    for step in (0.5, 20.0):
        got, expected = SCAD(0.7, 2.0, 1e12).prox(V, step), MCP(0.7, 2.0).prox(V, step)
        np.testing.assert_allclose(got, expected, atol=1e-10)
    capped = SCAD(1.0, 1.5, 1 + 1e-12)
    np.testing.assert_allclose(capped.value(V), np.minimum(np.abs(V), 1.5).sum(axis=1), rtol=1e-10)
    kept = np.abs(V) > 1.5 + 0.5
    np.testing.assert_allclose(capped.prox(V), np.where(kept, V, L1().prox(V)))


@pytest.mark.parametrize("value", [0.0, 1e-300, -1e-30, 1e-8, 1e8, -1e15, 1e300])
def test_extreme_values(value):
    for penalty in (SCAD(), SCAD(0.0), SCAD(1e-200, 1e-200), SCAD(1e99, 1e200), SCAD(a=1 + 1e-9)):
        moved = penalty.prox([[value]])[0, 0]
        assert np.isfinite(moved) and abs(moved) <= abs(value)
        assert np.isfinite(penalty.value([[value]])).all()
        assert np.isfinite(penalty.grad([[value]])).all()
    assert SCAD(0.0).prox([[value]])[0, 0] == value


def test_knots_that_float32_cannot_tell_apart():
    penalty, V = SCAD(1.0, 3.0, 1 + 1e-9), np.array([[-1.5, 2.5, 3.0, 3.4, 3.6]], np.float32)
    np.testing.assert_allclose(penalty.prox(V), [[-0.5, 1.5, 2.0, 2.4, 3.6]], rtol=1e-6)
    assert penalty.value(V)[0] == pytest.approx(13.0, rel=1e-6)
    np.testing.assert_array_equal(penalty.grad(V), [[-1, 1, 0, 0, 0]])


def test_is_odd_and_neither_convex_nor_smooth(rng):
    V = 3 * rng.standard_normal((6, 3))
    np.testing.assert_array_equal(SCAD().prox(-V), -SCAD().prox(V))
    assert not SCAD.convex and not SCAD.smooth


@pytest.mark.parametrize(
    ("name", "value"), [("knot", 0), ("knot", -1.0), ("a", 1.0), ("a", np.nan)]
)
def test_errors_say_what_to_do(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        SCAD(**{name: value}).value([[1.0]])
