"""Scaling of whitened images: one shift and one factor, and back."""

import numpy as np
import pytest

from sparsecode.datasets import ImageScaling


def test_mean_and_variance_over_all_images(rng):
    images = [5 + 3 * rng.standard_normal((20, 30)), 7 + rng.standard_normal((10, 8))]
    scaling = ImageScaling(variance=0.3)
    scaled = scaling.fit_transform(images)
    pixels = np.concatenate([image.ravel() for image in scaled])
    assert pixels.mean() == pytest.approx(0, abs=1e-12)
    assert pixels.var() == pytest.approx(0.3)
    # Contrasts to each other are kept.
    assert scaled[0].std() / scaled[1].std() == pytest.approx(images[0].std() / images[1].std())
    for image, restored in zip(images, scaling.inverse_transform(scaled), strict=True):
        np.testing.assert_allclose(restored, image)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_containers_and_types_are_kept(rng, dtype):
    stack = rng.standard_normal((3, 6, 7)).astype(dtype)
    scaling = ImageScaling().fit(stack)
    assert scaling.transform(stack).shape == (3, 6, 7)
    assert scaling.transform(stack[0]).shape == (6, 7)
    assert isinstance(scaling.transform(list(stack)), list)
    assert scaling.transform(stack).dtype == scaling.inverse_transform(stack).dtype == dtype


@pytest.mark.parametrize("images", [np.ones((4, 5)), 1e-200 * np.eye(9), 1e200 * np.eye(9)])
def test_images_without_a_finite_variance(images):
    with pytest.raises(ValueError, match=r"standard deviation of .*; expected a finite number"):
        ImageScaling().fit(images)
    with pytest.raises(ValueError, match="variance is 0"):
        ImageScaling(variance=0).fit(np.eye(4))
