"""Filter banks: an image is coded and rebuilt, and files keep all that this needs."""

import json

import numpy as np
import pytest
import safetensors.numpy
import scipy.fft

from sparsecode import Dictionary
from sparsecode.applications import FilterBank
from sparsecode.datasets import ImageScaling, OlshausenFieldWhitening, extract_patches
from sparsecode.objective import certify
from sparsecode.penalties import L1, Cauchy, Tanh


@pytest.fixture
def image(rng):
    # A random walk in both directions has the spectrum of a photograph, roughly.
    return rng.standard_normal((20, 26)).cumsum(axis=0).cumsum(axis=1)


@pytest.fixture(params=[OlshausenFieldWhitening, ImageScaling])
def whitening(request, image):
    return request.param().fit([image])


def bank(whitening, penalty=None, **record):
    penalty = Cauchy(alpha=0.022, sigma=0.316) if penalty is None else penalty
    return FilterBank(Dictionary.dct(24, 24), (4, 6), whitening, penalty, record)


@pytest.mark.parametrize("step", [1, 3, (2, 4)])
def test_codes_are_those_of_the_whitened_patches(image, whitening, step):
    penalty = L1(0.01)
    filters = bank(whitening, penalty)
    codes = filters.encode(image, step=step)
    X = extract_patches(whitening.transform(image), (4, 6), step=step)
    assert certify(X, codes, filters.dictionary, penalty).relative_gap.max() < 1e-5


def test_a_complete_basis_without_a_prior_rebuilds_the_image(image, whitening):
    filters = bank(whitening, L1(1e-9))
    codes = filters.encode(image, step=2)
    whitened = filters.decode(codes, image.shape, step=2)
    np.testing.assert_allclose(whitened, filters.whiten(image), atol=1e-5)


def test_whitening_is_undone_without_the_corners_of_the_square_of_frequencies(image):
    filters = bank(ImageScaling().fit([image]))
    np.testing.assert_allclose(filters.unwhiten(filters.whiten(image)), image, atol=1e-9)
    filters = bank(OlshausenFieldWhitening().fit([image]))
    spectrum = scipy.fft.dctn(image)
    rows, columns = (np.arange(n) / (2 * n) for n in image.shape)
    spectrum[np.hypot(rows[:, None], columns) > 0.5] = 0
    restored = filters.unwhiten(filters.whiten(image), mean=image.mean())
    np.testing.assert_allclose(restored, scipy.fft.idctn(spectrum), atol=1e-9)


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
@pytest.mark.parametrize("penalty", [Cauchy(alpha=0.02, sigma=0.3), L1(0.1), Tanh()])
def test_files_keep_everything(tmp_path, image, whitening, penalty, suffix):
    path = tmp_path / f"filters.{suffix}"
    saved = bank(whitening, penalty, seed=3, images=["a.png", "b.png"], version="0.1.0")
    saved.save(path)
    loaded = FilterBank.load(path)
    assert loaded.patch_size == (4, 6) and loaded.penalty == penalty
    assert loaded.record == {"seed": 3, "images": ["a.png", "b.png"], "version": "0.1.0"}
    assert np.array_equal(loaded.encode(image, step=4), saved.encode(image, step=4))
    assert Dictionary.load(path) == saved.dictionary == loaded.dictionary
    again = tmp_path / f"again.{suffix}"
    loaded.save(again)
    if suffix == "safetensors":
        assert again.read_bytes() == path.read_bytes()


def test_what_does_not_fit_is_refused(image, whitening):
    filters = bank(whitening)
    with pytest.raises(ValueError, match=r"patch_size is \(4, 4\), 16 pixels; expected 24 pixels"):
        FilterBank(filters.dictionary, 4, whitening, filters.penalty)
    with pytest.raises(TypeError, match="whitening is 'none'"):
        FilterBank(filters.dictionary, (4, 6), "none", filters.penalty)
    with pytest.raises(ValueError, match="not fitted"):
        FilterBank(filters.dictionary, (4, 6), type(whitening)(), filters.penalty)
    with pytest.raises(ValueError, match="smaller than a patch of 4 x 6"):
        filters.encode(image[:3])
    with pytest.raises(ValueError, match="Convert it to grey"):
        filters.encode(np.ones((8, 8, 3)))


def test_a_plain_dictionary_is_no_bank(tmp_path):
    Dictionary.dct(4, 4).save(tmp_path / "plain.npz")
    with pytest.raises(ValueError, match=r"plain.npz is not a saved filter bank: it holds nothing"):
        FilterBank.load(tmp_path / "plain.npz")
    with pytest.raises(FileNotFoundError, match="no such file"):
        FilterBank.load(tmp_path / "nowhere.npz")


def edit(note, key, value):
    *path, last = key.split("/")
    for name in path:
        note = note[name]
    note[last] = value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("patch_size", [4, 5]),
        ("patch_size", "big"),
        ("whitening/name", "os.system"),
        ("whitening/values/cutoff", -1),
        ("whitening/values/other", 1),
        ("whitening/fitted/scale_", 0),
        ("whitening/fitted/scale_", "x"),
        ("whitening/fitted", {}),
        ("whitening", None),
        ("penalty/name", "penalties.Other"),
        ("penalty/values/alpha", -1.0),
        ("record", []),
    ],
)
def test_changed_files_are_refused(tmp_path, image, key, value):
    path = tmp_path / "filters.safetensors"
    bank(OlshausenFieldWhitening().fit([image])).save(path)
    with safetensors.safe_open(path, "numpy") as file:
        header = json.loads(file.metadata()["sparsecode"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    note = json.loads(header["filter_bank"])
    edit(note, key, value)
    header["filter_bank"] = json.dumps(note)
    safetensors.numpy.save_file(arrays, path, {"sparsecode": json.dumps(header)})
    with pytest.raises(ValueError, match=r"filters\.safetensors is not a saved filter bank"):
        FilterBank.load(path)
