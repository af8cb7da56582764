"""The log-sum penalty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsecode.penalties import L0, L1, LogSum
from sparsecode.testing import check_penalty


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 100.0])
@pytest.mark.parametrize("epsilon", [0.01, 1.0, 5.0])
def test_contract(alpha, epsilon):
    check_penalty(LogSum(alpha, epsilon))


def test_formulas():
    assert LogSum(2.0, 0.5).value([[-1.0]]) == pytest.approx(2 * np.log(3))
    assert LogSum(2.0, 0.5).grad([[-1.0, 0.0]]).tolist() == [[-2 / 1.5, 0]]


@given(value=st.floats(-50, 50), weight=st.floats(1e-3, 1e2), epsilon=st.floats(1e-2, 1e2))
def test_prox_is_a_root_or_zero(value, weight, epsilon):
    moved = LogSum(weight, epsilon).prox([[value]])[0, 0]
    assert moved * value >= 0
    if moved != 0:
        slope = moved - value + np.sign(moved) * weight / (epsilon + abs(moved))
        assert abs(slope) < 1e-8 * (1 + abs(value))


def test_limits(rng):
    """A large scale makes it l1; a small one, with its weight normalised, the l0 count."""
    codes = rng.standard_normal((5, 4))
    np.testing.assert_allclose(LogSum(1e6, 1e6).value(codes), L1().value(codes), rtol=1e-5)
    narrow = LogSum(1 / np.log(1e200), 1e-200)
    np.testing.assert_allclose(narrow.value(codes), L0().value(codes), rtol=1e-2)


@pytest.mark.parametrize("epsilon", [0, -1.0, np.nan])
def test_errors_say_what_to_do(epsilon):
    with pytest.raises(ValueError, match=f"epsilon is {epsilon}"):
        LogSum(epsilon=epsilon).value([[1.0]])


def test_nothing_cancels_far_below_epsilon():
    assert LogSum(0.0).prox([[1e-12]])[0, 0] == pytest.approx(1e-12, rel=1e-14)
    # u = v - t / (epsilon + u), here to first order in u.
    got = LogSum(1e-13).prox([[1e-12]])[0, 0]
    assert got == pytest.approx(9e-13, rel=1e-10)
