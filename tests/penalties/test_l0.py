"""The l0 count: hard thresholding."""

import numpy as np
import pytest

from sparsecode.penalties import L0
from sparsecode.testing import check_penalty


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 100.0])
def test_contract(alpha):
    check_penalty(L0(alpha))


def test_counts():
    assert L0(0.5).value([[1.0, 0.0, -1e-300], [0.0, 0.0, 0.0]]).tolist() == [1, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prox_is_hard_thresholding(dtype, rng):
    V = (2 * rng.standard_normal((20, 4))).astype(dtype)
    expected = np.where(np.abs(V) > np.sqrt(2 * 0.5 * 0.7), V, 0)
    np.testing.assert_array_equal(L0(0.5).prox(V, 0.7), expected)


def test_is_neither_convex_nor_smooth():
    assert not L0.convex and not L0.smooth
    assert (L0().grad([[1.0, 0.0]]) == 0).all()
