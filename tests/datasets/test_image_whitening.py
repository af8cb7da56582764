"""The Olshausen-Field filter against closed forms, and its inverse."""

import numpy as np
import pytest
from scipy import fft
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sparsecode.datasets import OlshausenFieldWhitening, check_not_constant, load_photographs

BOUNDARIES = ["mirror", "periodic"]


def cosine(shape, frequency, boundary):
    """An eigenvector of the filter, close to `frequency` (rows, columns), and its exact radius."""
    steps = np.array(shape) * (2 if boundary == "mirror" else 1)
    exact = np.round(np.multiply(frequency, steps)) / steps
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    shift = 0.5 if boundary == "mirror" else 0.0
    waves = [
        np.cos(2 * np.pi * f * (x + shift)) for f, x in zip(exact, (rows, columns), strict=True)
    ]
    return waves[0] * waves[1], np.hypot(*exact)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [(64, 64), (45, 80)])
@pytest.mark.parametrize("frequency", [(0.0, 0.1), (0.2, 0.0), (0.2, 0.25), (0.45, 0.4)])
@pytest.mark.parametrize(("cutoff", "steepness"), [(0.4, 4), (0.3, 2.5)])
def test_a_cosine_is_multiplied_by_the_response(boundary, shape, frequency, cutoff, steepness):
    wave, radius = cosine(shape, frequency, boundary)
    whitening = OlshausenFieldWhitening(boundary=boundary, cutoff=cutoff, steepness=steepness)
    whitening.fit(np.random.default_rng(0).normal(size=shape))
    gain = radius * np.exp(-((radius / cutoff) ** steepness))
    expected = whitening.scale_ * gain * wave
    np.testing.assert_allclose(whitening.transform(wave), expected, atol=1e-12 * whitening.scale_)
    assert whitening.response(radius) == pytest.approx(gain)


@pytest.mark.parametrize("shape", [(64, 64), (45, 80)])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_an_amplitude_of_one_over_f_becomes_flat_up_to_the_cut_off(boundary, shape):
    """What is left is the low-pass part, exp(-(f/f0)^4)."""
    if boundary == "mirror":
        forward, backward = fft.dctn, fft.idctn
        axes = [np.arange(length) / (2 * length) for length in shape]
    else:
        forward, backward = fft.fft2, lambda spectrum: fft.ifft2(spectrum).real
        axes = [fft.fftfreq(length) for length in shape]
    radius = np.hypot(axes[0][:, np.newaxis], axes[1])
    spectrum = forward(np.random.default_rng(0).normal(size=shape))
    spectrum /= np.abs(spectrum) * np.where(radius, radius, np.inf)
    whitening = OlshausenFieldWhitening(boundary=boundary)
    whitened = whitening.fit_transform(backward(spectrum))
    expected = whitening.scale_ * np.exp(-((radius / 0.4) ** 4)) * (radius > 0)
    np.testing.assert_allclose(np.abs(forward(whitened)), expected, atol=1e-9 * expected.max())


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_overall_variance_and_means(boundary):
    rng = np.random.default_rng(0)
    images = [rng.normal(3, 5, (30, 41)), rng.random((64, 50))]
    whitened = OlshausenFieldWhitening(boundary=boundary, variance=0.7).fit_transform(images)
    assert np.concatenate([image.ravel() for image in whitened]).var() == pytest.approx(0.7)
    assert [abs(image.mean()) < 1e-12 for image in whitened] == [True, True]


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_the_inverse_of_photographs(boundary, dtype, error):
    photographs = load_photographs(dtype=dtype)
    before = [image.copy() for image in photographs]
    whitening = OlshausenFieldWhitening(boundary=boundary)
    whitened = whitening.fit_transform(photographs)
    restored = whitening.inverse_transform(whitened, means=[im.mean() for im in photographs])
    for image, white, back, copy in zip(photographs, whitened, restored, before, strict=True):
        assert white.dtype == back.dtype == dtype
        np.testing.assert_allclose(back, image, atol=error)
        np.testing.assert_array_equal(image, copy)
    without_means = whitening.inverse_transform(whitened)
    np.testing.assert_allclose(without_means[0].mean(), 0, atol=error)


def test_the_inverse_leaves_lost_frequencies_at_zero():
    image = np.random.default_rng(0).normal(size=(40, 40))
    whitening = OlshausenFieldWhitening(boundary="periodic", rcond=0.5)
    restored = whitening.inverse_transform(whitening.fit_transform(image))
    radius = np.hypot(np.fft.fftfreq(40)[:, np.newaxis], np.fft.fftfreq(40))
    response = radius * np.exp(-((radius / 0.4) ** 4))
    fine = np.linspace(0, 0.5, 10001)
    peak = np.max(fine * np.exp(-((fine / 0.4) ** 4)))
    kept = (response >= 0.5 * peak) & (radius > 0)
    assert 0.2 < kept.mean() < 0.9
    expected = np.where(kept, np.fft.fft2(image), 0)
    np.testing.assert_allclose(np.fft.fft2(restored), expected, atol=1e-9)


def test_mirror_leaves_no_false_edge():
    """Root mean square of the two outermost pixels over that of the next few."""
    strength = {}
    for boundary in BOUNDARIES:
        whitening = OlshausenFieldWhitening(boundary=boundary)
        strength[boundary] = [
            rms(image, 0, 2) / rms(image, 4, 20)
            for image in whitening.fit_transform(load_photographs())
        ]
    assert max(strength["mirror"]) < 1.5
    assert min(strength["periodic"]) > 2


def rms(image, start, stop):
    """Over the frame of pixels that are `start` to `stop` pixels from the nearest edge."""
    rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in image.shape)
    distance = np.minimum.outer(rows, columns)
    return np.sqrt(np.mean(image[(distance >= start) & (distance < stop)] ** 2))


def test_the_container_is_kept():
    stack = np.random.default_rng(0).random((3, 20, 24))
    whitening = OlshausenFieldWhitening().fit(stack)
    from_stack = whitening.transform(stack)
    from_list = whitening.transform(list(stack))
    assert isinstance(from_stack, np.ndarray)
    assert isinstance(from_list, list)
    np.testing.assert_array_equal(from_stack, from_list)
    np.testing.assert_array_equal(whitening.transform(stack[1]), from_stack[1])


def test_new_images_use_the_scale_of_fit():
    images = np.random.default_rng(0).random((2, 20, 24))
    whitening = OlshausenFieldWhitening().fit(images[0])
    np.testing.assert_allclose(
        whitening.transform(images[1] * 2), 2 * whitening.transform(images[1]), atol=1e-13
    )


def test_clone_and_not_fitted():
    whitening = clone(OlshausenFieldWhitening(cutoff=0.3))
    assert whitening.cutoff == 0.3
    with pytest.raises(NotFittedError):
        whitening.transform(np.eye(8))


@pytest.mark.parametrize(
    ("images", "options", "words"),
    [
        ([np.eye(8), np.full((8, 8), 0.1)], {}, r"images\[1\] is constant: every pixel is 0.1"),
        ([np.full((8, 8), np.nan)], {}, "NaN"),
        ([np.zeros((8, 8, 3))], {}, "Convert it to grey first"),
        ([np.eye(8)], {"cutoff": 0.0}, "cutoff > 0"),
        ([np.eye(8)], {"steepness": -1}, "steepness > 0"),
        ([np.eye(8)], {"variance": np.nan}, "variance is nan"),
        ([np.eye(8)], {"rcond": 2}, "rcond <= 1"),
        ([np.eye(8)], {"boundary": "wrap"}, "expected one of 'mirror', 'periodic'"),
        ([np.eye(8)], {"cutoff": 1e-3}, "removes all frequencies of these images"),
    ],
)
def test_refuses(images, options, words):
    with pytest.raises(ValueError, match=words):
        OlshausenFieldWhitening(**options).fit(images)


def test_refuses_another_number_of_means():
    whitening = OlshausenFieldWhitening().fit(np.eye(8))
    with pytest.raises(ValueError, match="means has 2 values for 1 images"):
        whitening.inverse_transform([np.eye(8)], means=[1, 2])


def test_constant_colour_and_rounding():
    image = np.full((8, 8, 3), 0.3)
    image[0, 0] = np.nextafter(0.3, 1)
    with pytest.raises(ValueError, match=r"wall.png is constant: every pixel is 0.3, 0.3, 0.3"):
        check_not_constant(image, "wall.png")
    image[0, 0, 1] = 0.31
    check_not_constant(image)


def test_frequencies_above_a_limit_are_left_out():
    y, x = np.mgrid[:32, :32] + 0.5
    # Cosines of the transform, of 0.125 and of 0.53 cycles a pixel.
    slow, fast = (
        np.cos(np.pi * 8 * x / 32),
        np.cos(np.pi * 24 * x / 32) * np.cos(np.pi * 24 * y / 32),
    )
    whitening = OlshausenFieldWhitening()
    whitened = whitening.fit_transform([slow + fast])
    restored = whitening.inverse_transform(whitened, max_frequency=0.5)[0]
    np.testing.assert_allclose(restored, slow, atol=1e-9)
    np.testing.assert_allclose(whitening.inverse_transform(whitened)[0], slow + fast, atol=1e-9)
    with pytest.raises(ValueError, match="max_frequency is 0"):
        whitening.inverse_transform(whitened, max_frequency=0)
