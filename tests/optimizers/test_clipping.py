"""Clipping bounds the joint norm and keeps the direction."""

import numpy as np
import pytest

from sparsecode.optimizers import clip_gradients


def test_joint_norm_and_direction(rng):
    grads = {"W": rng.standard_normal((3, 4)).astype(np.float32), "b": rng.standard_normal(5)}
    before = {name: grad.copy() for name, grad in grads.items()}
    norm = np.sqrt(sum((grad.astype(float) ** 2).sum() for grad in grads.values()))
    assert clip_gradients(grads, norm / 4) == pytest.approx(norm, rel=1e-6)
    for name, grad in grads.items():
        assert grad.dtype == before[name].dtype
        np.testing.assert_allclose(grad, before[name] / 4, rtol=1e-6)


@pytest.mark.parametrize("max_norm", [None, 100.0])
def test_short_ones_stay(max_norm):
    grads = {"W": np.array([3.0, 4.0])}
    assert clip_gradients(grads, max_norm) == 5
    assert grads["W"].tolist() == [3, 4]


@pytest.mark.parametrize("size", [1e25, 1e-25])
def test_squares_out_of_range(size):
    grads = {"W": np.full(4, size, dtype=np.float32)}
    assert clip_gradients(grads, size) == pytest.approx(2 * size, rel=1e-6)
    np.testing.assert_allclose(grads["W"], size / 2, rtol=1e-6)


def test_nothing_hides_nan():
    assert np.isnan(clip_gradients({"W": np.array([np.nan, 1.0])}, 1.0))


def test_bad_bound():
    with pytest.raises(ValueError, match="max_norm"):
        clip_gradients({"W": np.ones(2)}, 0.0)
