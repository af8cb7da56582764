"""Inpainting: better than interpolation on a piecewise smooth picture; masks, refusals."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from sparsecode import Dictionary
from sparsecode.applications import inpaint_image
from sparsecode.penalties import KSparse
from sparsecode.solvers import OMP


@pytest.fixture
def image():
    """A plane wave that stops at an edge."""
    y, x = np.mgrid[:32, :36]
    return np.where(x + y > 34, 0.5 + 0.4 * np.sin(0.9 * x + 0.4 * y), 0.3 + 0.01 * y)


@pytest.fixture
def mask(image, rng):
    return rng.uniform(size=image.shape) < 0.5


def blurred(image, mask, width):
    weight = gaussian_filter(mask.astype(float), width)
    return np.where(mask, image, gaussian_filter(np.where(mask, image, 0), width) / weight)


def error(image, other):
    return np.sqrt(np.mean((image - other) ** 2))


@pytest.mark.needs_jit("learns")
def test_better_than_a_blur_of_the_known_pixels(image, mask):
    inpainted = inpaint_image(image, mask, random_state=0)
    blurs = [error(blurred(image, mask, width), image) for width in (0.6, 0.8, 1.0, 1.4)]
    assert error(inpainted, image) < 0.5 * min(blurs)
    first = inpaint_image(image, mask, n_iter=0)
    assert error(inpainted, image) < 0.8 * error(first, image)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_known_pixels_stay(image, mask, dtype):
    image = image.astype(dtype)
    image.flags.writeable = mask.flags.writeable = False
    inpainted = inpaint_image(image, mask, dictionary=16, patch_size=4, n_iter=1, random_state=0)
    assert np.array_equal(inpainted[mask], image[mask]) and inpainted.dtype == dtype
    whole = inpaint_image(image, np.ones_like(mask), dictionary=16, patch_size=4)
    assert np.array_equal(whole, image) and whole is not image


def test_what_is_missing_is_not_looked_at(image, mask):
    options = {"dictionary": 16, "patch_size": 4, "n_iter": 2, "random_state": 0}
    expected = inpaint_image(image, mask, **options)
    for value in (np.nan, np.inf, 1e9):
        assert np.array_equal(
            inpaint_image(np.where(mask, image, value), mask, **options), expected
        )


def test_first_pass_by_hand(rng):
    patch = rng.standard_normal((4, 4))
    mask = rng.uniform(size=patch.shape) < 0.7
    dictionary = Dictionary.random(20, 16, random_state=0)
    inpainted = inpaint_image(patch, mask, dictionary=dictionary, patch_size=4, n_iter=0, sigma=0.0)
    x, seen = patch[mask] - patch[mask].mean(), mask.ravel()
    part = dictionary.select_features(seen)
    codes = OMP().solve(x[None], part, KSparse(int(mask.sum()) // 4)).codes
    decoded = (codes @ dictionary.atoms).reshape(4, 4) + patch[mask].mean()
    np.testing.assert_allclose(inpainted, np.where(mask, patch, decoded), atol=1e-5)


def test_a_flat_image_stays_flat(mask):
    flat = np.full(mask.shape, 3.0)
    np.testing.assert_allclose(inpaint_image(flat, mask, patch_size=4), flat, rtol=1e-6)


@pytest.mark.needs_jit("colour patches are large")
def test_colour_with_a_mask_of_pixels_or_of_values(image, rng):
    colour = np.dstack([image, 1 - image, 0.5 * image])
    options = {"patch_size": 6, "n_iter": 8, "random_state": 0}
    pixels = rng.uniform(size=image.shape) < 0.6
    by_pixels = inpaint_image(colour, pixels, **options)
    same = np.repeat(pixels[:, :, None], 3, axis=2)
    assert np.array_equal(by_pixels, inpaint_image(colour, same, **options))
    # One channel known of each pixel, as in a sensor.
    sensor = np.arange(3) == rng.integers(3, size=image.shape)[:, :, None]
    inpainted = inpaint_image(colour, sensor, **options)
    assert error(inpainted, colour) < 0.35 * error(np.where(sensor, colour, 0.5), colour)


def test_a_given_dictionary_is_used_as_it_is(image, mask):
    dictionary = Dictionary.dct(30, 16)
    before = dictionary.atoms.copy()
    options = {"dictionary": dictionary, "patch_size": 4, "n_iter": 2}
    first = inpaint_image(image, mask, random_state=0, **options)
    # Nothing is drawn, because nothing is learned.
    assert np.array_equal(first, inpaint_image(image, mask, random_state=1, **options))
    assert np.array_equal(dictionary.atoms, before)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"mask": np.ones((3, 3), dtype=bool)}, r"mask is an array of bool of shape \(3, 3\)"),
        ({"mask": np.ones((32, 36))}, "mask is an array of float64"),
        ({"mask": np.zeros((32, 36), dtype=bool)}, "False everywhere"),
        ({"sigma": -1.0}, "sigma is -1.0"),
        ({"n_iter": -1}, "n_iter is -1"),
        ({"step": 5}, "step is 5"),
        ({"patch_size": 40}, "smaller than a patch"),
        ({"dictionary": np.eye(3)}, "atoms of 3 features"),
        ({"image": np.zeros(5)}, "shape"),
    ],
)
def test_refusals(image, mask, change, message):
    arguments = {"image": image, "mask": mask, "patch_size": 4} | change
    with pytest.raises(ValueError, match=message):
        inpaint_image(**arguments)


def test_a_known_nan_and_a_hole_are_refused(image, mask):
    mask[5:20, 5:20] = False
    with pytest.raises(
        ValueError, match=r"mask has .* unknown values without a known value.*larger"
    ):
        inpaint_image(image, mask, patch_size=4)
    mask[7, 7] = True
    image[7, 7] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        inpaint_image(image, mask, patch_size=4)


def test_update_is_checked_first():
    image = np.random.default_rng(0).uniform(size=(12, 12))
    with pytest.raises(TypeError, match="update is 'mod'; expected an Update"):
        inpaint_image(image, image > 0.5, patch_size=4, update="mod")
