"""Thresholds against the prox of l1, and support selection against sorting."""

import numpy as np
import pytest

from sparsecode.ops import (
    soft_threshold_backward,
    soft_threshold_forward,
    support_threshold_backward,
    support_threshold_forward,
)
from sparsecode.penalties import L1

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
signs = pytest.mark.parametrize("positive", [False, True])


@dtypes
@signs
def test_is_the_prox_of_l1(rng, dtype, positive):
    V = rng.standard_normal((6, 7)).astype(dtype)
    weights = rng.uniform(0, 1, 7)
    expected = L1(1.0, weights, positive).prox(V)
    out, _ = soft_threshold_forward(V, weights, positive=positive)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, expected)


def sorted_selection(V, theta, n_selected, positive):
    """Row by row, by sorting."""
    out = np.zeros_like(V)
    limits = np.broadcast_to(theta, V.shape[1:])
    for row, result in zip(V, out, strict=True):
        sizes = row if positive else np.abs(row)
        above = [j for j in np.argsort(-sizes) if sizes[j] > limits[j]]
        for rank, j in enumerate(above):
            shrunk = 0 if rank < n_selected else limits[j]
            result[j] = row[j] - np.sign(row[j]) * shrunk
    return out


@dtypes
@signs
@pytest.mark.parametrize("n_selected", [0, 1, 5, 40, 50])
@pytest.mark.parametrize("spread", [0.0, 1.0, 300.0])
def test_selects_what_sorting_does(rng, dtype, positive, n_selected, spread):
    """Also where the sizes are of very different orders, and where each atom has a threshold."""
    V = rng.standard_normal((8, 50)) * np.exp(spread * rng.standard_normal((8, 50)) / 10)
    V = V.astype(dtype)
    for theta in (0.4, 0.0, rng.uniform(0, 1, 50).astype(dtype)):
        out, _ = support_threshold_forward(V, theta, n_selected=n_selected, positive=positive)
        expected = sorted_selection(V, dtype(theta), n_selected, positive)
        np.testing.assert_array_equal(out, expected)


@signs
def test_ties_all_pass(positive):
    V = np.array([[2.0, -2.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    out, _ = support_threshold_forward(V, 0.5, n_selected=1, positive=positive)
    expected = [[2.0, 0.0 if positive else -2.0, 2.0, 0.5], [1.0, 1.0, 1.0, 1.0]]
    np.testing.assert_array_equal(out, expected)


@signs
def test_selection_of_none_and_of_all(rng, positive):
    V = rng.standard_normal((6, 7))
    soft, _ = soft_threshold_forward(V, 0.3, positive=positive)
    none, _ = support_threshold_forward(V, 0.3, n_selected=0, positive=positive)
    np.testing.assert_array_equal(none, soft)
    every, _ = support_threshold_forward(V, 0.3, n_selected=7, positive=positive)
    np.testing.assert_array_equal(every, np.where(soft != 0, V, 0))


@pytest.mark.parametrize("n_selected", [None, 2])
def test_where_thresholds_have_no_say(rng, n_selected):
    """A negative threshold counts as 0, and does not move; one of 0 does."""
    V = rng.standard_normal((6, 4))
    theta = np.array([-0.5, 0.0, 0.2, 100.0])
    if n_selected is None:
        out, cache = soft_threshold_forward(V, theta)
        dV, dtheta = soft_threshold_backward(np.sign(V), cache)
    else:
        out, cache = support_threshold_forward(V, theta, n_selected=n_selected)
        dV, dtheta = support_threshold_backward(np.sign(V), cache)
    np.testing.assert_array_equal(out[:, 0], V[:, 0])
    np.testing.assert_array_equal(dV, np.where(out != 0, np.sign(V), 0))
    assert dtheta[0] == 0 and dtheta[1] < 0 and dtheta[3] == 0
    # One for each entry that is shrunk.
    limits = np.maximum(theta, 0)
    shrunk = (out != 0) & ~np.isclose(out, V, rtol=0, atol=1e-12)
    assert dtheta[2] == -shrunk[:, 2].sum() or limits[2] == 0


@dtypes
def test_what_is_no_number_is_not_hidden(dtype):
    V = np.array([[np.nan, 2.0, np.inf, 1.0]], dtype=dtype)
    with np.errstate(invalid="ignore"):
        out, _ = support_threshold_forward(V, 0.5, n_selected=1)
        soft, _ = soft_threshold_forward(V, 0.5)
    assert np.isnan(out[0, 0]) and np.isinf(out[0, 2]) and np.isfinite(out[0, 3])
    assert np.isnan(soft[0, 0]) and np.isinf(soft[0, 2])


def test_in_memory_that_is_given(rng):
    V = rng.standard_normal((6, 7))
    given = np.empty_like(V)
    out, _ = soft_threshold_forward(V, 0.3, out=given)
    assert out is given
    out, _ = support_threshold_forward(V, 0.3, n_selected=2, out=given)
    assert out is given


@dtypes
@signs
def test_gradients_entry_by_entry(rng, dtype, positive):
    """Of the threshold minus the sign where it shrinks, of what goes in 1 where not cut to 0."""
    V, dout = (rng.standard_normal((5, 7)).astype(dtype) for _ in range(2))
    theta = rng.uniform(0.1, 0.9, 7).astype(dtype)
    size = V if positive else np.abs(V)
    passes = size > theta
    _, cache = soft_threshold_forward(V, theta, positive=positive)
    dV, dtheta = soft_threshold_backward(dout, cache)
    np.testing.assert_array_equal(dV, np.where(passes, dout, 0))
    expected = -np.sum(np.sign(V) * dout * passes, axis=0)
    np.testing.assert_allclose(dtheta, expected, rtol=1e-5, atol=1e-6)
    _, cache = support_threshold_forward(V, theta, n_selected=2, positive=positive)
    dV, dtheta = support_threshold_backward(dout, cache)
    np.testing.assert_array_equal(dV, np.where(passes, dout, 0))
    shrunk = passes & (size < np.sort(np.where(passes, size, 0), axis=1)[:, -2:-1])
    expected = -np.sum(np.sign(V) * dout * shrunk, axis=0)
    np.testing.assert_allclose(dtheta, expected, rtol=1e-5, atol=1e-6)
    assert dV.dtype == dtheta.dtype == dtype
