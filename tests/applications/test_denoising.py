"""Denoising: better than a blur on a piecewise smooth picture; units, refusals, one patch."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary
from sparsecode.applications import denoise_image, learn_patch_dictionary
from sparsecode.datasets import extract_patches
from sparsecode.initialization import initial_dictionary
from sparsecode.penalties import KSparse
from sparsecode.solvers import OMP
from sparsecode.updates import KSVD, BlockUpdate

SIGMA = 0.1


@pytest.fixture
def clean():
    """Two smooth regions and a straight edge between them."""
    y, x = np.mgrid[:40, :44] / 40
    return np.where(x + 0.4 * y > 0.8, 0.2 + 0.3 * y, 0.9 - 0.2 * x)


@pytest.fixture
def noisy(clean, rng):
    return clean + SIGMA * rng.standard_normal(clean.shape)


def error(image, clean):
    return np.sqrt(np.mean((image - clean) ** 2))


@pytest.mark.needs_jit("learns")
def test_better_than_the_noisy_image_and_than_a_blur(clean, noisy):
    denoised = denoise_image(noisy, SIGMA, random_state=0)
    blurs = [error(gaussian_filter(noisy, width), clean) for width in (0.6, 0.8, 1.0, 1.4, 2.0)]
    assert error(denoised, clean) < 0.8 * min(blurs)
    assert error(denoised, clean) < 0.4 * error(noisy, clean)
    cosines = denoise_image(noisy, SIGMA, n_iter=0)
    assert error(denoised, clean) < error(cosines, clean)


def test_one_patch_by_hand(rng):
    patch = rng.standard_normal((3, 3))
    dictionary = Dictionary.random(20, 9, random_state=0)
    denoised = denoise_image(
        patch, 0.5, dictionary=dictionary, patch_size=3, gain=1.2, noisy_weight=0.25
    )
    x = (patch - patch.mean()).reshape(1, -1)
    codes = OMP().solve(x, dictionary, KSparse(None, error=(1.2 * 0.5) ** 2 * 9)).codes
    decoded = (codes @ dictionary.atoms).reshape(3, 3) + patch.mean()
    np.testing.assert_allclose(denoised, (decoded + 0.25 * patch) / 1.25, atol=1e-5)


def test_noise_alone_becomes_the_means_of_patches(rng):
    """The gain is such that few patches of noise have any atom."""
    noise = rng.standard_normal((24, 24))
    denoised = denoise_image(noise, 1.0, n_iter=0, noisy_weight=0)
    assert denoised.std() < 0.25
    wide = denoise_image(noise, 1.0, n_iter=0, noisy_weight=0, gain=10.0)
    ones = np.ones(8) / 8
    means = np.array([np.convolve(row, ones, "valid") for row in noise])
    means = np.array([np.convolve(column, ones, "valid") for column in means.T]).T
    count = np.array([np.convolve(row, np.ones(8)) for row in np.ones((17, 17))])
    count = np.array([np.convolve(column, np.ones(8)) for column in count.T]).T
    total = np.array([np.convolve(row, np.ones(8)) for row in means])
    total = np.array([np.convolve(column, np.ones(8)) for column in total.T]).T
    np.testing.assert_allclose(wide, total / count, atol=1e-5)


@pytest.mark.parametrize("scale", [255.0, 1e-3])
def test_units_do_not_matter(noisy, scale):
    options = {"dictionary": 16, "patch_size": 4, "n_iter": 2, "random_state": 0}
    expected = denoise_image(noisy, SIGMA, **options)
    scaled = denoise_image(scale * noisy, scale * SIGMA, **options)
    # A rounding may decide about an atom of a few patches.
    assert np.mean(np.abs(scaled / scale - expected) > 1e-4) < 0.02


@pytest.mark.needs_jit("colour patches are large")
def test_channels_help_each_other(clean, rng):
    # As in photographs, an edge is one of brightness first of all.
    colour = np.dstack([clean, 0.9 * clean, 0.8 * clean + 0.1])
    noisy = colour + SIGMA * rng.standard_normal(colour.shape)
    together = denoise_image(noisy, SIGMA, n_iter=0)
    alone = np.dstack([denoise_image(noisy[:, :, i], SIGMA, n_iter=0) for i in range(3)])
    assert error(together, colour) < 0.9 * error(alone, colour)


def test_strips_do_not_matter(noisy, monkeypatch):
    expected = denoise_image(noisy, SIGMA, dictionary=16, patch_size=4, n_iter=1, random_state=0)
    monkeypatch.setattr("sparsecode.applications._patchwise._MOST_VALUES", 16 * 41 * 3)
    strips = denoise_image(noisy, SIGMA, dictionary=16, patch_size=4, n_iter=1, random_state=0)
    np.testing.assert_allclose(strips, expected, atol=1e-5)


def test_learned_dictionary_is_the_one_used(noisy):
    options = {"patch_size": 4, "n_iter": 2, "random_state": 0}
    dictionary = learn_patch_dictionary(noisy, SIGMA, n_components=20, **options)
    assert dictionary.atoms.shape == (20, 16) and dictionary.dtype == np.float32
    before = dictionary.atoms.copy()
    given = denoise_image(noisy, SIGMA, dictionary=dictionary, patch_size=4)
    assert np.array_equal(given, denoise_image(noisy, SIGMA, dictionary=20, **options))
    assert np.array_equal(dictionary.atoms, before)
    other = learn_patch_dictionary(noisy, SIGMA, n_components=20, update=BlockUpdate(), **options)
    assert not np.array_equal(other.atoms, before)


def test_no_rounds_leave_the_cosines(noisy):
    atoms = learn_patch_dictionary(noisy, SIGMA, n_components=36, patch_size=4, n_iter=0).atoms
    expected = initial_dictionary("dct", np.zeros((1, 16), np.float32), 36)
    assert np.array_equal(atoms, expected.atoms)


def test_inputs_are_not_written_to_and_types_are_kept(noisy):
    for dtype in (np.float32, np.float64):
        image = noisy.astype(dtype)
        image.flags.writeable = False
        assert denoise_image(image, SIGMA, dictionary=np.eye(16), patch_size=4).dtype == dtype
    counts = np.arange(64).reshape(8, 8)
    assert denoise_image(counts, 2.0, dictionary=np.eye(16), patch_size=4).dtype == np.float64


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"sigma": 0}, "sigma is 0; expected sigma > 0"),
        ({"sigma": -1.0}, "sigma is -1.0"),
        ({"sigma": np.nan}, "sigma is nan"),
        ({"patch_size": 50}, "smaller than a patch"),
        ({"patch_size": 1}, "patch_size is 1"),
        ({"dictionary": np.eye(9)}, "atoms of 9 features; expected 64"),
        ({"dictionary": 0}, "dictionary is 0"),
        ({"dictionary": "dct"}, "dictionary is 'dct'; expected None"),
        ({"n_iter": -1}, "n_iter is -1"),
        ({"n_patches": 0}, "n_patches is 0"),
        ({"gain": 0}, "gain is 0"),
        ({"noisy_weight": -1}, "noisy_weight is -1"),
    ],
)
def test_refusals(noisy, arguments, message):
    with pytest.raises(ValueError, match=message):
        denoise_image(noisy, **({"sigma": SIGMA} | arguments))


def test_refused_images(noisy):
    with pytest.raises(ValueError, match="shape"):
        denoise_image(noisy[0], SIGMA)
    noisy[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        denoise_image(noisy, SIGMA)


def test_update_may_be_a_class_and_must_be_one():
    image = np.random.default_rng(0).uniform(size=(12, 12))
    options = {"dictionary": 64, "patch_size": 4, "n_iter": 1, "random_state": 0}
    np.testing.assert_array_equal(
        denoise_image(image, 0.1, update=KSVD, **options),
        denoise_image(image, 0.1, update=KSVD(), **options),
    )
    with pytest.raises(TypeError, match="update is 'mod'; expected an Update"):
        denoise_image(image, 0.1, update="mod", **options)


def test_errors_out_of_reach_are_said_once_in_its_own_words(noisy):
    """Sixteen atoms of 64 values, no noise to speak of; several strips, ten rounds of learning."""
    for call, remedy in (
        (lambda: denoise_image(noisy, 1e-4, dictionary=np.eye(64)[:16]), "more atoms"),
        (lambda: denoise_image(noisy, 1e-4, dictionary=16, n_iter=2), "more atoms"),
        (lambda: learn_patch_dictionary(noisy, 1e-4, n_components=16, n_iter=2), "n_components"),
    ):
        with pytest.warns(ConvergenceWarning) as caught:
            call()
        assert len(caught) == 1 and caught[0].filename == __file__
        message = str(caught[0].message)
        assert "Raise sigma or gain" in message and remedy in message
        assert "Raise error" not in message and "OMP" not in message
        assert "1221 of 1221 patches" in message


def test_a_range_of_16_bits_needs_no_more_atoms(noisy):
    """The error of a patch is then below what float32 tells from two squared norms."""
    atoms = initial_dictionary("dct", np.zeros((1, 64), np.float32), 256).atoms
    patches = extract_patches(65535 * noisy, (8, 8)).astype(np.float32)
    patches -= patches.mean(axis=1, keepdims=True)
    penalty = KSparse(None, error=64 * 15.0**2)
    single = OMP().solve(patches, atoms, penalty)
    double = OMP().solve(patches.astype(float), atoms.astype(float), penalty)
    assert single.converged.all() and double.converged.all()
    counts = [(result.codes != 0).sum(axis=1) for result in (single, double)]
    assert np.abs(np.subtract(*counts)).max() <= 1
