"""The Cauchy prior: a cubic for a prox, in every regime of its discriminant."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from sparsecode.penalties import Cauchy
from sparsecode.testing import check_penalty


@pytest.mark.parametrize("alpha", [0.0, 0.022, 1.0, 50.0])
@pytest.mark.parametrize("sigma", [0.1, 0.316, 5.0])
def test_contract(alpha, sigma):
    check_penalty(Cauchy(alpha, sigma))


def test_formulas():
    assert Cauchy(2.0, 0.5).value([[1.0]]) == pytest.approx(2 * np.log(5))
    # 2 alpha z / (sigma^2 + z^2)
    assert Cauchy(2.0, 0.5).grad([[1.0]])[0, 0] == pytest.approx(3.2)


@given(
    value=st.floats(-100, 100),
    weight=st.floats(1e-3, 1e3),
    sigma=st.floats(1e-2, 1e2),
)
def test_prox_like_scipy(value, weight, sigma):
    """Also where two local minima compete."""

    def cost(u):
        return (u - value) ** 2 / 2 + weight * np.log1p((u / sigma) ** 2)

    found = Cauchy(weight, sigma).prox([[value]])[0, 0]
    brackets = np.linspace(min(value, 0) - 1e-9, max(value, 0) + 1e-9, 9)
    options = {"xatol": 1e-10}
    best = min(
        minimize_scalar(cost, bounds=bounds, method="bounded", options=options).fun
        for bounds in itertools.pairwise(brackets)
    )
    assert cost(found) <= best + 1e-9 * (1 + abs(best))
    assert found * value >= 0 and abs(found) <= abs(value)


@pytest.mark.parametrize("value", [0.0, 1e-300, -1e-30, 1e-8, 1e8, -1e15])
def test_prox_of_extreme_values(value):
    for penalty in (Cauchy(), Cauchy(1e-6, 1e-6), Cauchy(1e6, 1e3)):
        moved = penalty.prox([[value]])[0, 0]
        assert np.isfinite(moved) and abs(moved) <= abs(value)


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.inf])
def test_errors_say_what_to_do(sigma):
    with pytest.raises(ValueError, match=f"sigma is {sigma}"):
        Cauchy(sigma=sigma).prox([[1.0]])


def test_prox_is_stationary_where_it_is_tiny_against_the_value():
    """With a weight far above the scale, in units far below 1."""
    V = np.array([[1.2e-5, -3.7e-6, 4e-9]])
    for penalty in (Cauchy(0.34, 1.6e-6), Cauchy(0.19, 2.5e-6), Cauchy(3.0, 1e-4)):
        U = penalty.prox(V)
        np.testing.assert_allclose(U - V + penalty.grad(U), 0, atol=1e-12 * 4e-9)
        assert (U * V > 0).all()
