"""Noise level: exact for a known wavelet coefficient, near the truth, and units that are caught."""

import re

import numpy as np
import pytest

from sparsecode.applications import denoise_image, estimate_sigma, learn_patch_dictionary
from sparsecode.datasets import load_photographs


@pytest.mark.parametrize("shape", [(4000,), (80, 90), (30, 20, 25), (3, 60, 70)])
@pytest.mark.parametrize("sigma", [1e-3, 1.0, 500.0])
def test_white_noise_on_a_ramp(rng, shape, sigma):
    ramp = sum(np.arange(n).reshape((-1,) + (1,) * i) for i, n in enumerate(reversed(shape)))
    estimate = estimate_sigma(10 * sigma * ramp + sigma * rng.standard_normal(shape))
    assert estimate == pytest.approx(sigma, rel=0.06)


def test_ramps_and_constants_have_no_noise():
    assert estimate_sigma(np.full((9, 9), 7.0)) == 0
    assert estimate_sigma(0.3 * np.arange(50)) == 0


def test_the_wavelet_is_of_norm_1_and_orthogonal_to_its_shifts():
    """A single pulse has the four coefficients of the wavelet, the median of which is known."""
    pulse = np.zeros(50)
    pulse[20] = 1.0
    root = np.sqrt(3)
    wavelet = np.array([1 - root, root - 3, 3 + root, -1 - root]) / np.sqrt(32)
    assert wavelet @ wavelet == pytest.approx(1)
    assert wavelet[:2] @ wavelet[2:] == pytest.approx(0)
    expected = np.median(np.abs(wavelet)) / 0.6744897501960817
    assert estimate_sigma(pulse) == pytest.approx(expected)


@pytest.mark.parametrize("level", [10, 25, 50])
def test_a_photograph(level, rng):
    flower = load_photographs()[1]
    noisy = flower + level / 255 * rng.standard_normal(flower.shape)
    assert 255 * estimate_sigma(noisy) == pytest.approx(level, rel=0.06)


def test_channels_are_estimated_apart(rng):
    noise = rng.standard_normal((3, 60, 50)) * np.array([1.0, 5.0, 0.1])[:, None, None]
    sigmas = estimate_sigma(noise, channel_axis=0)
    np.testing.assert_allclose(sigmas, [1, 5, 0.1], rtol=0.06)
    np.testing.assert_array_equal(
        sigmas, estimate_sigma(np.moveaxis(noise, 0, -1), channel_axis=-1)
    )
    np.testing.assert_array_equal(sigmas, [estimate_sigma(channel) for channel in noise])


def test_a_large_array_is_looked_at_in_slabs(rng, monkeypatch):
    noise = rng.standard_normal((2000, 8))
    monkeypatch.setattr("sparsecode.applications.noise._MOST_VALUES", 8000)
    assert estimate_sigma(noise) == pytest.approx(1, rel=0.06)


@pytest.mark.parametrize(
    "array, options, message",
    [
        (np.zeros((3, 2)), {}, r"shape \(3, 2\); expected an axis with at least 4"),
        (np.full(9, np.nan), {}, "array holds NaN"),
        (np.zeros(9), {"channel_axis": 0}, "channel_axis is the only axis of array"),
        (np.zeros((9, 9)), {"channel_axis": 2}, "channel_axis is 2"),
        (3.0, {}, "single number"),
    ],
)
def test_refusals(array, options, message):
    with pytest.raises(ValueError, match=message):
        estimate_sigma(array, **options)


@pytest.fixture
def grey(rng):
    """An image of grey levels with noise of 10."""
    y, x = np.mgrid[:24, :24]
    return np.clip(100 + 4 * y - 3 * x + 10 * rng.standard_normal(x.shape), 0, 255)


@pytest.mark.parametrize("function", [denoise_image, learn_patch_dictionary])
def test_sigma_in_other_units_is_caught(grey, function):
    whole = grey.astype(np.uint8)
    span = f"from {whole.min()} to {whole.max()}"
    with pytest.raises(ValueError, match=rf"sigma is 0.1 but image .*uint8\) {span}.*by\s255"):
        function(whole, 0.1)
    with pytest.raises(ValueError, match=r"sigma is 25 but image has values .*Divide sigma by 255"):
        function(grey / 255, 25)
    options = {"n_iter": 0, "patch_size": 4}
    function(whole, 10, **options)
    function(grey / 255, 10 / 255, **options)
    # Floats mean what they say.
    function(whole.astype(float), 0.9, **options)


def test_sigma_is_estimated_where_it_is_not_given(grey):
    options = {"n_iter": 1, "patch_size": 4, "random_state": 0}
    given = denoise_image(grey, estimate_sigma(grey), **options)
    np.testing.assert_array_equal(denoise_image(grey, **options), given)
    atoms = learn_patch_dictionary(grey, estimate_sigma(grey), **options).atoms
    np.testing.assert_array_equal(learn_patch_dictionary(grey, **options).atoms, atoms)


def test_an_opaque_channel_is_named(grey):
    image = np.dstack([grey, grey, grey, np.full(grey.shape, 255.0)])
    with pytest.raises(ValueError, match=re.escape("in channels [3], where the")):
        denoise_image(image)
