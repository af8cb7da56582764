import itertools

import numpy as np
import pytest

from sparsecode import Dictionary, encoders
from sparsecode.constraints import Free, UnitNorm
from sparsecode.encoders._foldable_encoder import FoldableEncoder

N_COMPONENTS, N_FEATURES = 12, 7
ALL = [getattr(encoders, name) for name in encoders.__all__]
FOLDABLE = [cls for cls in ALL if issubclass(cls, FoldableEncoder)]
HOMOGENEOUS = [cls for cls in FOLDABLE if cls().homogeneous]


def of(classes):
    """Parametrize by encoders, with weights of their own or not, and by dtypes."""
    dtypes = ("float64", "float32")
    cases = list(itertools.product(classes, (False, True), dtypes))
    return pytest.mark.parametrize("cls, tied, dtype", cases)


each = of(FOLDABLE)


def fitted(cls, tied, dtype, rng):
    """An encoder with random parameters, its dictionary, and samples."""
    dictionary = Dictionary(
        rng.standard_normal((N_COMPONENTS, N_FEATURES)).astype(dtype),
        rng.standard_normal(N_FEATURES),
        UnitNorm(),
    )
    encoder = cls(tied=tied)
    if "k" in encoder.get_params():
        encoder.set_params(k=3)
    params = encoder.init(dictionary, random_state=0)
    for name, param in params.items():
        if name == "threshold":
            params[name] = np.array(0.3, dtype=dtype)
        else:
            params[name] = (param + 0.3 * rng.standard_normal(param.shape)).astype(dtype)
    X = rng.standard_normal((50, N_FEATURES)).astype(dtype) + dictionary.offset
    return encoder.bind(params), dictionary, X


def check(encoder, dictionary, X, factor, other, other_dictionary, other_X):
    """Codes are `factor` times the others, and reconstructions are those of the samples."""
    tolerance = 1e-10 if X.dtype == np.float64 else 2e-3
    codes, found = encoder.encode(X, dictionary), other.encode(other_X, other_dictionary)
    assert found.dtype == X.dtype and codes.any()
    close = np.isclose(found, factor * codes, rtol=tolerance, atol=tolerance * factor)
    # Rounding can move an entry over a threshold.
    assert close.mean() >= (1 if X.dtype == np.float64 else 0.98)
    assert all(param.dtype == X.dtype for param in other.params.values())


@each
def test_features_may_have_scales_of_their_own(cls, tied, dtype):
    rng = np.random.default_rng(0)
    encoder, dictionary, X = fitted(cls, tied, dtype, rng)
    mean, scale = rng.standard_normal(N_FEATURES), rng.uniform(0.1, 10, N_FEATURES)
    raw = (X * scale + mean).astype(dtype)
    other, larger = encoder.fold_inputs(dictionary, mean, scale)
    check(encoder, dictionary, X, 1.0, other, larger, raw)
    assert not other.tied and larger.constraint == Free()
    codes = encoder.encode(X, dictionary)
    expected = dictionary.decode(codes) * scale + mean
    tolerance = 1e-10 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(larger.decode(codes), expected, rtol=tolerance, atol=tolerance * 10)


@of(HOMOGENEOUS)
@pytest.mark.parametrize("scale", [0.01, 37.0])
def test_one_scale_goes_into_the_codes(cls, tied, dtype, scale):
    rng = np.random.default_rng(1)
    encoder, dictionary, X = fitted(cls, tied, dtype, rng)
    mean = rng.standard_normal(N_FEATURES)
    raw = (X * scale + mean).astype(dtype)
    other, same = encoder.fold_inputs(dictionary, mean, scale, scale_codes=True)
    if dtype == "float64" or scale > 1:
        check(encoder, dictionary, X, scale, other, same, raw)
    assert other.tied == tied and same.constraint == UnitNorm()
    np.testing.assert_array_equal(same.atoms, dictionary.atoms)
    back, again = other.fold_inputs(same, -mean / scale, 1 / scale, scale_codes=True)
    check(encoder, dictionary, X, 1.0, back, again, X)


@each
def test_the_offset_may_move_and_weights_be_untied(cls, tied, dtype):
    rng = np.random.default_rng(2)
    encoder, dictionary, X = fitted(cls, tied, dtype, rng)
    offset = rng.standard_normal(N_FEATURES)
    moved = encoder.move_offset(dictionary, offset)
    check(encoder, dictionary, X, 1.0, moved, dictionary.replace(offset=offset), X)
    untied = encoder.untie(dictionary)
    assert (untied is encoder) == (not tied) and encoder.tied == tied
    other = Dictionary(rng.standard_normal(dictionary.atoms.shape).astype(dtype), dictionary.offset)
    np.testing.assert_array_equal(untied.encode(X, other), encoder.encode(X, dictionary))
    none = Dictionary(dictionary.atoms)
    check(encoder, dictionary, X, 1.0, encoder.move_offset(dictionary, np.zeros(7)), none, X)


@of(cls for cls in HOMOGENEOUS if "k" not in cls().get_params())
def test_units_are_active_on_a_share_of_the_samples(cls, tied, dtype):
    rng = np.random.default_rng(3)
    encoder, dictionary, _ = fitted(cls, tied, dtype, rng)
    X = rng.standard_normal((1000, N_FEATURES)).astype(dtype)
    for name in {"b", "b_mag"} & encoder.params.keys():
        # What is active is for gates and thresholds to say, where there are any.
        encoder.params[name] += 9
    for share in (0.05, 0.3):
        found = encoder.calibrate(X, dictionary, share)
        active = (found.encode(X, dictionary) > 0).mean(axis=0)
        np.testing.assert_allclose(active, share, atol=0.02)


@each
def test_the_gain_is_that_of_least_squares(cls, tied, dtype):
    rng = np.random.default_rng(4)
    encoder, dictionary, X = fitted(cls, tied, dtype, rng)
    found = encoder.match_gain(X, dictionary)
    if tied or not encoder.homogeneous:
        assert found is encoder
        return
    codes = encoder.forward(encoder.params, X, dictionary, training=True)[0]
    x, X_hat = X - dictionary.offset, codes @ dictionary.atoms
    factor = np.vdot(x, X_hat) / np.vdot(X_hat, X_hat)
    assert factor > 0
    after = found.forward(found.params, X, dictionary, training=True)[0]
    close = np.isclose(after, factor * codes, rtol=1e-3, atol=1e-3)
    assert close.mean() >= (1 if dtype == "float64" else 0.98)


def test_without_an_offset_there_is_none():
    encoder = encoders.ReLU()
    dictionary = Dictionary(np.eye(2))
    encoder = encoder.bind(encoder.init(dictionary))
    other, larger = encoder.fold_inputs(dictionary, None, 2.0)
    assert larger.offset is None
    np.testing.assert_array_equal(larger.atoms, 2 * np.eye(2))
    np.testing.assert_array_equal(other.params["W"], np.eye(2) / 2)
    _, larger = encoder.fold_inputs(dictionary, [1.0, 2.0], 2.0, scale_codes=True)
    np.testing.assert_array_equal(larger.offset, [1.0, 2.0])
