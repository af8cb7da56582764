"""Files of patch features come back bit for bit, and damaged ones are refused."""

import json

import numpy as np
import pytest
from fitted_models import header_of, write
from sklearn.frozen import FrozenEstimator

from sparsecode import Dictionary, DictionaryLearning, PatchFeatures
from sparsecode.encoders import LISTA, Exact, ReLU, Thresholding
from sparsecode.penalties import L1, KSparse

pytestmark = pytest.mark.needs_jit("plain Python takes long for so many positions")
IMAGES = np.random.default_rng(0).random((6, 9, 10, 3))
ATOMS = Dictionary.random(8, 27, random_state=0)


def model(encoder=None, dictionary=ATOMS, **settings):
    settings = {"patch_size": 3, "random_state": 0, "n_jobs": 1} | settings
    return PatchFeatures(encoder=encoder, dictionary=dictionary, **settings)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("encoder", [None, Exact(KSparse(2)), ReLU(), LISTA(L1(0.3), n_layers=2)])
def test_files(encoder, suffix, tmp_path):
    if hasattr(encoder, "init"):
        params = encoder.init(ATOMS, random_state=0)
        encoder = encoder.bind({name: 0.9 * value for name, value in params.items()})
    path = tmp_path / f"features{suffix}"
    for settings in ({}, {"dictionary": "patches", "n_components": 4}, {"whitening": None}):
        if "dictionary" in settings and getattr(encoder, "params", None):
            continue
        fitted = model(encoder, **settings).fit(IMAGES)
        fitted.save(path)
        again = PatchFeatures.load(path)
        np.testing.assert_array_equal(again.transform(IMAGES), fitted.transform(IMAGES))
        given, loaded = fitted.get_params(deep=False), again.get_params(deep=False)
        assert given.keys() == loaded.keys()
        assert all(given[key] == loaded[key] for key in given if key != "encoder")
        assert again.n_features_in_ == 270


def test_files_of_others_are_refused(tmp_path):
    path = tmp_path / "features.npz"
    ATOMS.save(path)
    with pytest.raises(ValueError, match="is not a saved PatchFeatures"):
        PatchFeatures.load(path)

    class Mine(Thresholding):
        pass

    with pytest.raises(TypeError, match=r"encoder .*cannot be saved"):
        model(Mine()).fit(IMAGES).save(path)


def test_what_was_learned_and_given_comes_back(tmp_path):
    path = tmp_path / "features.npz"
    learned = model(dictionary=DictionaryLearning(4, n_epochs=1)).fit(IMAGES)
    learned.save(path)
    again = PatchFeatures.load(path)
    # The estimator that learned is left out.
    assert again.dictionary == "k-means" and again.dictionary_ == learned.dictionary_
    given = model(whitening=FrozenEstimator(learned.whitening_)).fit(IMAGES)
    given.save(path)
    again = PatchFeatures.load(path)
    assert again.whitening is again.whitening_
    np.testing.assert_array_equal(again.transform(IMAGES), given.transform(IMAGES))
    np.testing.assert_array_equal(again.fit_transform(IMAGES), given.transform(IMAGES))


DAMAGES = [
    ("settings", {"pooling": "median"}, "pooling is 'median'"),
    ("settings", {"n_jobs": "many"}, "n_jobs is 'many'"),
    ("settings", {"other": 1}, "'other', which"),
    ("settings", {"patch_size": 4}, "patch has 48 values"),
    ("settings", {"patch_size": 10**9}, "dictionary has atoms of 27"),
    ("settings", {"levels": 10**9}, "levels has a grid"),
    ("settings", {"encoder": {"name": "penalties.L1", "values": {}}}, "names the class"),
    ("settings", {"encoder": "relu"}, "its encoder is relu"),
    ("settings", {"encoder": {"name": "encoders.ReLU", "values": {"tied": 3}}}, "tied is 3"),
    ("settings", {"whitening": {"tuple": [1]}}, "whitening is"),
    ("settings", {"dictionary": None}, "dictionary is None"),
    ("settings", {"random_state": "x"}, "random_state is 'x'"),
    ("fitted", {"contrast": -1}, "contrast is -1"),
    ("fitted", {"contrast": "x"}, "contrast is 'x'"),
    ("fitted", {"eps": "x"}, "eps is 'x'"),
    ("fitted", {"image_shape": [9, 10]}, "patch has 9 values"),
    ("fitted", {"image_shape": 3}, ""),
    ("fitted", {"image_shape": [2**40, 2**40, 3]}, "its images have the shape"),
    ("fitted", {"names": ["a"]}, "its feature names"),
    ("fitted", {"names": [1] * 270}, "its feature names"),
    ("constraint", {"name": "os.system"}, "its constraint is 'os.system'"),
]


@pytest.mark.parametrize(("key", "value", "message"), DAMAGES)
def test_damaged_headers_are_refused(key, value, message, tmp_path):
    model().fit(IMAGES).save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    value = json.loads(header[key]) | value
    write(tmp_path / "damaged.npz", arrays, {**header, key: json.dumps(value)})
    with pytest.raises(ValueError, match=rf"damaged.npz is not a saved PatchFeatures: .*{message}"):
        PatchFeatures.load(tmp_path / "damaged.npz")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("whitening/scale", np.zeros(27), "not positive"),
        ("whitening/scale", np.full(27, 1e-300), "too large"),
        ("whitening/mean", np.full(27, 1e200), "too large"),
        ("whitening/mean", np.zeros(26), "mean has 26 columns"),
        ("whitening/components", np.full((27, 27), np.nan), "NaN"),
        ("whitening/scale", None, "nothing named 'whitening/scale'"),
        ("dictionary/atoms", None, "nothing named 'dictionary/atoms'"),
        ("dictionary/atoms", np.ones((4, 9)), "atoms of 9 features"),
        ("params/W", np.ones((8, 26)), "W"),
    ],
)
def test_damaged_arrays_are_refused(name, value, message, tmp_path):
    encoder = ReLU()
    params = encoder.init(ATOMS, random_state=0)
    model(encoder.bind(params)).fit(IMAGES).save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    arrays = {key: array for key, array in arrays.items() if key != name}
    write(tmp_path / "damaged.npz", arrays | ({} if value is None else {name: value}), header)
    with pytest.raises(ValueError, match=rf"is not a saved PatchFeatures: .*{message}"):
        PatchFeatures.load(tmp_path / "damaged.npz")
