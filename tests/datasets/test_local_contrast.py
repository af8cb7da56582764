"""Contrast of images, brought to the same size everywhere."""

import numpy as np
import pytest

from sparsecode.datasets import normalize_contrast


def uneven(rng):
    image = rng.standard_normal((60, 70))
    image[:, 35:] *= 4
    return image


def test_contrast_is_more_even(rng):
    image = uneven(rng)
    even = normalize_contrast(image, width=3.0)
    ratios = [picture[:, 45:].std() / picture[:, :25].std() for picture in (image, even)]
    assert 3.5 < ratios[0] < 4.5 and ratios[1] < 0.65 * ratios[0]
    assert np.square(even).mean() == pytest.approx(0.1)
    # Where deviations are above their mean, all of them are the same.
    strong = normalize_contrast(np.where(image > 0, 1.0, -1.0), width=3.0)
    assert abs(strong[:, 45:].std() / strong[:, :25].std() - 1) < 0.05


def test_scale_offset_and_other_images_do_not_matter(rng):
    image, other = uneven(rng), rng.standard_normal((30, 20))
    even = normalize_contrast(image)
    np.testing.assert_allclose(normalize_contrast(7 * image + 3), even, atol=1e-10)
    np.testing.assert_allclose(normalize_contrast([other, image])[1], even)
    for scale in (1e-160, 1e150):
        np.testing.assert_allclose(normalize_contrast(scale * image), even)
    np.testing.assert_allclose(normalize_contrast(image, variance=0.4), 2 * even)


def test_a_change_of_light_is_taken_away(rng):
    image = uneven(rng)
    slope = np.linspace(0, 30, 70)
    lit = normalize_contrast(image + slope, width=3.0)[:, 12:-12]
    cosine = np.corrcoef(lit.ravel(), normalize_contrast(image, width=3.0)[:, 12:-12].ravel())
    assert cosine[0, 1] > 0.99


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_containers_and_types_are_kept(rng, dtype):
    stack = rng.standard_normal((3, 16, 17)).astype(dtype)
    before = stack.copy()
    assert normalize_contrast(stack).shape == (3, 16, 17)
    assert normalize_contrast(stack).dtype == dtype
    assert isinstance(normalize_contrast(list(stack)), list)
    np.testing.assert_array_equal(stack, before)


@pytest.mark.parametrize(
    ("images", "parameters", "message"),
    [
        (np.eye(9), {"width": 0.1}, "width is 0.1"),
        (np.eye(9), {"variance": -1.0}, "variance is -1"),
        ([np.eye(9), np.ones((9, 9))], {}, r"images\[1\] is constant"),
        (np.full((9, 9), np.nan), {}, "NaN"),
        (np.ones((2, 5, 5, 3)), {}, "shape"),
    ],
)
def test_bad_images_and_parameters(images, parameters, message):
    with pytest.raises(ValueError, match=message):
        normalize_contrast(images, **parameters)
