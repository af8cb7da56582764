"""Denoising of series, volumes and videos: channels, units, memory maps, and the same as images."""

import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary
from sparsecode.applications import denoise_image, denoise_signal
from sparsecode.penalties import KSparse
from sparsecode.solvers import OMP

SIGMA = 0.1


@pytest.fixture
def clean():
    """A series of steps and ramps that recur."""
    return np.tile(np.r_[np.zeros(23), np.ones(11), np.linspace(1, 0, 13)], 9)


@pytest.fixture
def noisy(clean, rng):
    return clean + SIGMA * rng.standard_normal(clean.shape)


def error(signal, clean):
    return np.sqrt(np.mean((signal - clean) ** 2))


@pytest.mark.needs_jit("learns")
def test_better_than_smoothing(clean, noisy):
    denoised = denoise_signal(noisy, SIGMA, patch_size=24, random_state=0)
    smooth = [error(gaussian_filter1d(noisy, width), clean) for width in (0.6, 1.0, 1.5, 2.0, 3.0)]
    assert error(denoised, clean) < 0.7 * min(smooth)
    estimated = denoise_signal(noisy, patch_size=24, random_state=0)
    assert error(estimated, clean) < 1.1 * error(denoised, clean)


def test_one_window_by_hand(rng):
    window = rng.standard_normal((9, 2))
    dictionary = Dictionary.random(30, 18, random_state=0)
    options = {"dictionary": dictionary, "patch_size": 9, "gain": 1.2, "noisy_weight": 0.25}
    denoised = denoise_signal(window, 0.5, **options)
    x = (window - window.mean(axis=0)).reshape(1, -1)
    codes = OMP().solve(x, dictionary, KSparse(None, error=(1.2 * 0.5) ** 2 * 18)).codes
    decoded = (codes @ dictionary.atoms).reshape(9, 2) + window.mean(axis=0)
    np.testing.assert_allclose(denoised, (decoded + 0.25 * window) / 1.25, atol=1e-5)


def test_an_image_is_denoised_as_an_image(rng):
    noisy = np.add.outer(np.arange(12.0), np.arange(13.0)) + rng.standard_normal((12, 13))
    options = {"dictionary": 16, "n_iter": 2, "random_state": 0}
    for array in (noisy, np.dstack([noisy, -noisy, noisy, 2 * noisy])):
        np.testing.assert_array_equal(
            denoise_signal(array, 1.0, patch_size=(4, 4), **options),
            denoise_image(array, 1.0, patch_size=4, **options),
        )


@pytest.mark.parametrize("shape, size", [((9, 8, 7), (3, 4, 2)), ((6, 8, 8, 2), (3, 3, 3))])
def test_volumes_and_videos_of_noise_become_their_means(rng, shape, size):
    noise = rng.standard_normal(shape) + 5
    denoised = denoise_signal(noise, 1.0, patch_size=size, n_iter=0, noisy_weight=0)
    assert denoised.shape == shape
    assert (denoised - 5).std() < 0.5


def test_order_of_the_axes_does_not_matter(rng):
    """Cosines along the axes of a patch turn with it."""
    volume = np.sin(np.arange(8))[:, None, None] + 0.3 * rng.standard_normal((8, 9, 7))
    options = {"n_iter": 0, "dictionary": 64}
    expected = denoise_signal(volume, 0.3, patch_size=(4, 4, 4), **options)
    turned = denoise_signal(volume.transpose(2, 0, 1), 0.3, patch_size=(4, 4, 4), **options)
    np.testing.assert_allclose(turned.transpose(1, 2, 0), expected, atol=1e-4)


@pytest.mark.parametrize("sigma", [(0.1, 2.0), None])
def test_channels_may_have_units_of_their_own(clean, rng, sigma):
    noise = rng.standard_normal((len(clean), 2))
    noisy = np.stack([clean, 20 * clean], axis=1) + np.multiply(noise, (0.1, 2.0))
    options = {"patch_size": 8, "n_iter": 0}
    expected = denoise_signal(noisy / (1, 20), None if sigma is None else 0.1, **options)
    denoised = denoise_signal(noisy, sigma, **options)
    # A rounding may decide about an atom of a few windows.
    assert np.mean(np.abs(denoised / (1, 20) - expected) > 1e-4) < 0.02
    assert error(denoised[:, 1], 20 * clean) < 0.6 * 2.0


def test_a_large_offset_costs_no_precision(noisy):
    """Codes are of windows without their means, in float32."""
    options = {"patch_size": 8, "n_iter": 0}
    expected = denoise_signal(noisy, SIGMA, **options)
    lifted = denoise_signal(noisy + 1e6, SIGMA, **options)
    assert np.mean(np.abs(lifted - 1e6 - expected) > 1e-4) < 0.02


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int16])
def test_types_are_kept_and_nothing_is_written_to(noisy, dtype):
    signal = (100 * noisy).astype(dtype)
    signal.flags.writeable = False
    denoised = denoise_signal(signal, 10.0, patch_size=8, n_iter=0)
    assert denoised.dtype == (np.float32 if dtype in (np.float32, np.float16) else np.float64)
    assert error(denoised, signal) < 20


def test_memory_maps_are_read_and_written_in_parts(rng, tmp_path, monkeypatch):
    monkeypatch.setattr("sparsecode.applications._patchwise._MOST_VALUES", 2**14)
    film = np.lib.format.open_memmap(tmp_path / "film.npy", "w+", np.uint16, (150, 48, 48))
    film[:] = 1000 + 20 * rng.standard_normal(film.shape)
    film.flush()
    film = np.load(tmp_path / "film.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", np.float32, film.shape)
    dictionary = Dictionary.dct(64, 64)
    options = {"dictionary": dictionary, "patch_size": (4, 4, 4)}
    denoise_signal(film[:8], 20.0, **options)  # compiles
    tracemalloc.start()
    result = denoise_signal(film, 20.0, out=out, **options)
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result is out
    assert size < film.nbytes * 3, "the result in float64 alone is four times as large"
    np.testing.assert_allclose(out, denoise_signal(np.array(film), 20.0, **options), rtol=1e-6)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"patch_size": 1}, "patch_size is 1"),
        ({"patch_size": (1,)}, r"patch_size is \(1,\); expected a patch of several"),
        ({"patch_size": (8, 8, 8)}, r"patch_size is \(8, 8, 8\) and signal has shape"),
        ({"patch_size": 500}, "signal has 423 values, smaller than a patch of 500"),
        ({"sigma": (0.1, 0.1)}, "sigma is .*expected one number, 1 for 1 channel"),
        ({"sigma": -1.0}, "sigma is -1.0"),
        ({"sigma": 3.0}, "sigma is 3 but signal has values from .*Divide sigma by 255"),
        ({"dictionary": np.eye(9)}, "atoms of 9 features; expected 8"),
        ({"out": np.zeros(3)}, "out is an array of shape"),
        ({"signal": np.full(40, np.nan)}, "signal holds NaN"),
        ({"signal": 5.0}, "signal is a single number"),
        ({"signal": np.zeros(40), "sigma": None}, "sigma is None, but no noise can be"),
    ],
)
def test_refusals(noisy, arguments, message):
    arguments = {"signal": noisy, "sigma": SIGMA, "patch_size": 8} | arguments
    with pytest.raises(ValueError, match=message):
        denoise_signal(**arguments)


def test_missed_errors_are_said_once_in_its_own_words(noisy):
    with pytest.warns(ConvergenceWarning, match="denoise_signal: 408 of 408") as caught:
        denoise_signal(noisy, 1e-4, dictionary=np.eye(16)[:4], patch_size=16)
    assert len(caught) == 1 and caught[0].filename == __file__
