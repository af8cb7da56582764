"""Patch features: against loops over positions, what is given or learned, and bad input."""

import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sparsecode import Dictionary, DictionaryLearning, PatchFeatures
from sparsecode._patch_features import coding
from sparsecode.datasets import ZCAWhitening
from sparsecode.encoders import (
    LISTA,
    Exact,
    MatchingPursuit,
    ReLU,
    Sigmoid,
    Thresholding,
    TopK,
    Triangle,
)
from sparsecode.penalties import L1, MCP, ElasticNet, KSparse
from sparsecode.solvers import CoordinateDescent

pytestmark = pytest.mark.needs_jit("plain Python takes long for so many positions")
RNG = np.random.default_rng(0)
IMAGES = RNG.random((6, 9, 10, 3))
ATOMS = Dictionary.random(8, 27, random_state=0)
ENCODERS = [
    Thresholding(L1(0.3)),
    Thresholding(L1(0.3, positive=True)),
    Thresholding(MCP(0.3)),
    Thresholding(L1(weights=np.linspace(0.1, 0.5, 8))),
    Exact(L1(0.3)),
    Exact(ElasticNet(0.3)),
    Exact(KSparse(2)),
    Triangle(),
    ReLU(),
    TopK(k=2),
    Sigmoid(),
    MatchingPursuit(k=2),
    LISTA(L1(0.3), n_layers=2),
]


def model(encoder=None, dictionary=ATOMS, **settings):
    settings = {"patch_size": 3, "random_state": 0, "n_jobs": 1} | settings
    return PatchFeatures(encoder=encoder, dictionary=dictionary, **settings)


def by_loops(fitted, images, encoder, step=1):
    """Features of the sum over quadrants, with split signs, position by position."""
    found = []
    for image in images.astype(np.float64):
        rows = range(0, image.shape[0] - 2, step)
        columns = range(0, image.shape[1] - 2, step)
        codes = np.zeros((2, 2, 2, len(fitted.components_)))
        for y in rows:
            for x in columns:
                patch = image[y : y + 3, x : x + 3].ravel()
                patch = (patch - patch.mean()) / np.sqrt(patch.var() + fitted.contrast_)
                patch = fitted.whitening_.transform(patch[None])
                code = encoder.encode(patch, fitted.dictionary_)[0]
                cell = codes[
                    int(rows.index(y) >= len(rows) // 2), int(columns.index(x) >= len(columns) // 2)
                ]
                cell[0] += np.maximum(code, 0)
                cell[1] += np.maximum(-code, 0)
        is_split = codes[:, :, 1].any()
        found.append(codes.ravel() if is_split else codes[:, :, 0].ravel())
    return np.array(found)


@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_features_are_those_of_loops(encoder):
    fitted = model(encoder).fit(IMAGES)
    features = fitted.transform(IMAGES)
    assert features.shape == (6, fitted.n_features_out_)
    assert len(fitted.get_feature_names_out()) == fitted.n_features_out_
    np.testing.assert_allclose(features, by_loops(fitted, IMAGES, encoder), rtol=1e-4, atol=1e-6)
    single = model(encoder).fit(IMAGES.astype(np.float32)).transform(IMAGES.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, features, rtol=2e-3, atol=2e-3)


def test_atoms_of_another_norm_and_an_offset():
    dictionary = Dictionary(3 * ATOMS.atoms, np.linspace(-1, 1, 27))
    encoder = Thresholding(L1(0.9))
    fitted = model(encoder, dictionary).fit(IMAGES)
    expected = by_loops(fitted, IMAGES, encoder)
    np.testing.assert_allclose(fitted.transform(IMAGES), expected, atol=1e-8)


def test_steps_leave_out_positions():
    encoder = Thresholding(L1(0.3))
    fitted = model(encoder, step=3).fit(IMAGES)
    # The width ends with a position that is flush with the border; the last column is cut off.
    images = IMAGES[:, :, :9]
    narrow = model(encoder, step=3, whitening=fitted.whitening_, contrast=fitted.contrast_)
    narrow.fit(images)
    expected = by_loops(fitted, images, encoder, step=3)
    np.testing.assert_allclose(narrow.transform(images), expected, atol=1e-8)


@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_tiles_blocks_threads_and_order_change_nothing(encoder, monkeypatch):
    images = IMAGES.astype(np.float32)
    fitted = model(encoder).fit(images)
    whole = fitted.transform(images)
    np.testing.assert_array_equal(clone(fitted).set_params(n_jobs=2).fit_transform(images), whole)
    np.testing.assert_array_equal(fitted.transform(images[::-1])[::-1], whole)
    one = np.concatenate([fitted.transform(images[i : i + 1]) for i in range(6)])
    np.testing.assert_array_equal(one, whole)
    # Tiles of a part of an image, and blocks of one image.
    monkeypatch.setattr(coding, "_MOST_ROWS", 20)
    np.testing.assert_array_equal(fitted.transform(images), whole)
    threads = clone(fitted).set_params(n_jobs=2).fit(images)
    np.testing.assert_array_equal(threads.transform(images), whole)


def test_memory_is_that_of_a_tile():
    images = RNG.random((3, 150, 150), dtype=np.float32)
    atoms = Dictionary.random(500, 9, random_state=0, dtype=np.float32)
    fitted = model(Triangle(), atoms, whitening=None).fit(images)
    fitted.transform(images[:1, :, :])
    tracemalloc.start()
    try:
        fitted.transform(images)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # All codes of one image would take 44 MB.
    assert peak < 12e6


def test_images_of_every_kind_have_the_same_features(tmp_path):
    pixels = (255 * IMAGES).astype(np.uint8)
    fitted = model().fit(pixels)
    assert fitted.contrast_ == pytest.approx(10 * (np.ptp(pixels) / 255.0) ** 2)
    expected = fitted.transform(pixels)
    assert expected.dtype == np.float32 and pixels.flags.writeable
    path = tmp_path / "images.npy"
    np.save(path, pixels)
    flat = pixels.reshape(6, -1)
    kinds = [list(pixels), np.load(path, mmap_mode="r"), flat, np.asfortranarray(pixels)]
    kinds += [pixels.astype(np.float32), pixels.astype(np.int16), flat.astype(np.float32)]
    for kind in kinds:
        np.testing.assert_array_equal(fitted.transform(kind), expected)
    rows = model(image_shape=(9, 10, 3)).fit(flat)
    np.testing.assert_array_equal(rows.transform(flat), expected)
    assert rows.n_features_in_ == 270 and rows.image_shape_ == (9, 10, 3)
    np.testing.assert_allclose(fitted.transform(pixels.astype(float)), expected, atol=1e-4)


def test_contrast_and_scale_do_not_matter_with_auto():
    features = model().fit_transform(IMAGES)
    np.testing.assert_allclose(model().fit_transform(40 * IMAGES + 7), features, atol=1e-8)
    plain = model(contrast=None, whitening=None).fit(IMAGES)
    assert plain.whitening_ is None and plain.contrast_ is None
    corr = np.lib.stride_tricks.sliding_window_view(IMAGES, (3, 3), axis=(1, 2))
    corr = np.moveaxis(corr, 3, -1).reshape(6, 56, 27) @ ATOMS.atoms.T
    whole = plain.set_params(levels=1, pooling="max", signs="absolute").transform(IMAGES)
    np.testing.assert_allclose(whole, np.maximum(abs(corr).max(axis=1) - 0.5, 0), atol=1e-12)


@pytest.mark.parametrize(
    "dictionary",
    [
        "k-means",
        "patches",
        DictionaryLearning(alpha=0.5, n_epochs=2),
        KMeans(5, n_init=1),
    ],
    ids=str,
)
def test_dictionaries_are_learned(dictionary):
    n_components = None if isinstance(dictionary, KMeans) else 5
    fitted = model(dictionary=dictionary, n_components=n_components).fit(IMAGES)
    assert fitted.components_.shape == (5, 27)
    again = clone(fitted).fit(IMAGES)
    np.testing.assert_array_equal(again.components_, fitted.components_)
    if not isinstance(dictionary, KMeans):
        np.testing.assert_allclose(np.linalg.norm(fitted.components_, axis=1), 1, rtol=1e-6)
        assert model(dictionary="patches").fit(IMAGES).components_.shape == (54, 27)


def test_k_means_finds_directions():
    """Patches on a few lines through 0: each atom is one of these directions, up to sign."""
    lines = np.linalg.qr(RNG.standard_normal((9, 4)))[0].T
    patches = lines[RNG.integers(4, size=300)] * RNG.choice([-2.0, -1.0, 1.0], (300, 1))
    images = patches.reshape(300, 3, 3)
    settings = {"contrast": None, "whitening": None, "levels": 1}
    fitted = model(dictionary="k-means", n_components=4, **settings).fit(images)
    assert (Dictionary(lines).match(fitted.dictionary_).cosines > 0.999).all()


def test_whitening_is_learned_or_given():
    fitted = model().fit(IMAGES)
    assert fitted.whitening_.eps == 0.1
    given = fitted.whitening_
    frozen = clone(model(whitening=FrozenEstimator(given))).fit(IMAGES[:1])
    assert frozen.whitening_ is given
    frozen.set_params(contrast=fitted.contrast_).fit(IMAGES[:1])
    np.testing.assert_array_equal(frozen.transform(IMAGES), fitted.transform(IMAGES))
    plain = model(whitening=ZCAWhitening(eps=0.5)).fit(IMAGES)
    assert plain.whitening_.eps == 0.5 and plain.whitening is not plain.whitening_


def test_certificates_are_those_of_the_codes():
    fitted = model(Exact(L1(0.3))).fit(IMAGES)
    certificate = fitted.certify(IMAGES, n_positions=50, random_state=0)
    assert certificate.relative_gap.shape == (50,)
    assert certificate.relative_gap.max() < 1e-5
    rough = fitted.set_params(encoder=Thresholding(L1(0.3))).certify(IMAGES, n_positions=10**6)
    assert rough.gap.shape == (6 * 56,) and rough.relative_gap.max() > 0.01
    triangle = fitted.set_params(encoder=Triangle())
    with pytest.raises(ValueError, match=r"penalty is None.*Triangle"):
        triangle.certify(IMAGES)
    assert triangle.certify(IMAGES, penalty=L1(0.3)).gap.shape == (336,)


def test_one_warning_for_all_positions():
    fitted = model(Exact(L1(0.01), CoordinateDescent(max_iter=1, tol=1e-9))).fit(IMAGES)
    with pytest.warns(ConvergenceWarning, match=r"^\d+ positions did not reach") as caught:
        fitted.transform(IMAGES)
    assert len(caught) == 1
    solver = CoordinateDescent(tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.set_params(encoder=Exact(L1(0.3), solver)).transform(IMAGES)
    assert "_warn" not in vars(solver)


def test_progress_is_printed(capsys):
    model(verbose=1).fit(IMAGES).transform(IMAGES)
    assert "6 of 6 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "images", "words"),
    [
        ({}, [IMAGES[0], IMAGES[1][:8]], "X has images of different sizes"),
        ({"patch_size": (3, 11)}, IMAGES, "9 x 10 pixels, smaller than a patch of 3 x 11"),
        ({"levels": 9}, IMAGES, "levels has a grid of 9 x 9 cells"),
        ({}, IMAGES.reshape(6, -1), "set image_shape"),
        ({"image_shape": (9, 9)}, IMAGES.reshape(6, -1), "image_shape is .* 81 values"),
        ({"image_shape": 9}, IMAGES, "image_shape is 9"),
        ({"image_shape": (9, 9, 3)}, IMAGES, "images of 9 x 10 x 3; expected 9 x 9 x 3"),
        ({"dictionary": np.ones((4, 26))}, IMAGES, "atoms of 26 features, but a patch has 27"),
        ({"dictionary": "kmeans"}, IMAGES, "dictionary is 'kmeans'; expected 'k-means'"),
        ({"dictionary": KMeans(3), "n_components": 4}, IMAGES, "KMeans has no such parameter"),
        ({"encoder": "lasso"}, IMAGES, "encoder is 'lasso'"),
        ({"contrast": 0}, IMAGES, "contrast"),
        ({"contrast": "none"}, IMAGES, "contrast is 'none'"),
        ({"whitening": "zca"}, IMAGES, "whitening is 'zca'"),
        ({"whitening": -1.0}, IMAGES, "whitening"),
        ({"signs": "both"}, IMAGES, "signs is 'both'"),
        ({"pooling": "median"}, IMAGES, "pooling is 'median'"),
        ({"levels": ()}, IMAGES, "levels"),
        ({"n_patches": 1}, IMAGES, "n_patches is 1"),
        ({"step": 4}, IMAGES, "step is"),
        ({"verbose": -1}, IMAGES, "verbose"),
        ({"n_jobs": 0}, IMAGES, "n_jobs"),
        ({}, IMAGES[..., None], "Reshape it"),
        ({}, np.ones((3, 9, 9, 3)), "images of one value"),
        ({"contrast": 1.0}, np.ones((3, 9, 9, 3)), "all alike"),
        ({}, np.full((3, 9, 9), np.nan), "X holds NaN"),
        ({}, np.full((3, 9, 9), "a"), "X has dtype"),
        ({"whitening": ZCAWhitening().fit(RNG.random((9, 4)))}, IMAGES, "fitted to 4 features"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input(settings, images, words):
    with pytest.raises((ValueError, TypeError), match=words):
        model(**settings).fit(images)


def test_other_images_than_those_of_fit_are_refused():
    fitted = model().fit(IMAGES)
    with pytest.raises(ValueError, match=r"images of 10 x 9 x 3; expected 9 x 10 x 3.*as in fit"):
        fitted.transform(IMAGES.swapaxes(1, 2))
    with pytest.raises(ValueError, match="X has images of 9 x 10 x 1"):
        fitted.transform(IMAGES[..., 0])
    before = vars(fitted).copy()
    with pytest.raises(ValueError, match="smaller than a patch"):
        fitted.fit(IMAGES[:, :2])
    assert vars(fitted) == before


def test_features_beat_pixels():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    (X, Y), (y, t) = np.split(X[order[:1200]], [600]), np.split(y[order[:1200]], [600])
    features = PatchFeatures(40, patch_size=4, n_patches=5000, image_shape=(8, 8), random_state=0)
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    pixels = clone(linear).fit(X, y).score(Y, t)
    assert 1 - make_pipeline(features, linear).fit(X, y).score(Y, t) < 0.7 * (1 - pixels)
