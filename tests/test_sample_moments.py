import numpy as np
import pytest

from sparsecode._sample_moments import (
    check_input_scale,
    in_training_units,
    layer_normed,
    refuse_layer_norm,
    sample_moments,
)


def test_two_features_by_hand():
    # Mean 2, deviations 1 on both sides: of one degree of freedom sqrt(2).
    np.testing.assert_allclose(sample_moments(np.array([[1.0, 3.0]])), [[2, np.sqrt(2)]])
    np.testing.assert_allclose(
        layer_normed(np.array([[1.0, 3.0]])), [np.array([-1, 1]) / (np.sqrt(2) + 1e-5)]
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_the_definition(dtype):
    X = (100 + np.random.default_rng(0).standard_normal((50, 7))).astype(dtype)
    before, double = X.copy(), X.astype(np.float64)
    moments, found = sample_moments(X), layer_normed(X)
    assert found.dtype == dtype and moments.dtype == np.float64
    mean, deviation = double.mean(axis=1), double.std(axis=1, ddof=1)
    np.testing.assert_allclose(moments, np.column_stack([mean, deviation]), rtol=1e-10)
    expected = (double - mean[:, None]) / (deviation[:, None] + 1e-5)
    np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == np.float32 else 1e-9)
    np.testing.assert_array_equal(X, before)


def test_constant_samples_of_float32_have_no_deviation():
    X = np.full((2, 1001), 12345.678, dtype=np.float32)
    assert (sample_moments(X)[:, 1] == 0).all() and (layer_normed(X) == 0).all()


def test_values_that_are_not_finite_stay_so():
    found = layer_normed(np.array([[1.0, np.inf], [np.nan, 1.0], [0.0, 1.0]]))
    np.testing.assert_array_equal(np.isfinite(found).all(axis=1), [False, False, True])


def test_units_of_training():
    X = np.array([[1.0, 3.0]], dtype=np.float32)
    assert in_training_units(X, 1.0) is X
    np.testing.assert_array_equal(in_training_units(X, 2.0), [[2, 6]])
    np.testing.assert_array_equal(in_training_units(X, "layer_norm"), layer_normed(X))


def test_scales_that_are_refused():
    assert check_input_scale(2, 3) == 2 and check_input_scale("layer_norm", 2) == "layer_norm"
    with pytest.raises(ValueError, match="input_scale is 'l2'"):
        check_input_scale("l2", 3)
    with pytest.raises(ValueError, match="input_scale is -1"):
        check_input_scale(-1, 3)
    with pytest.raises(ValueError, match="X has 1 feature"):
        check_input_scale("layer_norm", 1)
    refuse_layer_norm(object(), "this")
