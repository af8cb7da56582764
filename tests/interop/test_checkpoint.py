"""The neutral form refuses what does not fit together, and cannot be changed."""

import dataclasses
import pickle

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.interop import Checkpoint

EXTRA = {
    "ReLU": {},
    "TopK": {"k": 2},
    "BatchTopK": {"k": 2, "threshold": 0.5},
    "JumpReLU": {"threshold": [0.1, 0.2, 0.3]},
    "Gated": {"r_mag": [0.1, 0.2, 0.3], "b_gate": [1.0, 2.0, 3.0], "b_mag": [1.0, 1.0, 2.0]},
}
architectures = pytest.mark.parametrize("architecture", EXTRA)


def checkpoint(architecture="ReLU", dtype=np.float64, **changes):
    arrays = {"W": np.ones((3, 2), dtype), "atoms": np.ones((3, 2), dtype)}
    return Checkpoint(architecture, **{**arrays, **EXTRA.get(architecture, {}), **changes})


@architectures
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_have_one_type_and_are_read_only(architecture, dtype):
    made = checkpoint(architecture, dtype)
    for field in dataclasses.fields(made):
        value = getattr(made, field.name)
        if isinstance(value, np.ndarray):
            assert value.dtype == dtype and not value.flags.writeable
    assert (made.n_components, made.n_features, made.n_outputs) == (3, 2, 2)
    assert made.dtype == dtype
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.W = None


def test_given_arrays_stay_writeable_and_are_not_copied():
    W = np.ones((3, 2))
    made = checkpoint(W=W)
    assert np.shares_memory(made.W, W) and W.flags.writeable


@architectures
def test_parameters_are_those_of_the_encoder(architecture):
    expected = {
        "ReLU": {"W", "b"},
        "TopK": {"W", "b"},
        "BatchTopK": {"W", "b", "threshold"},
        "JumpReLU": {"W", "b", "log_threshold"},
        "Gated": {"W", "r_mag", "b_gate", "b_mag"},
    }
    made = checkpoint(architecture)
    assert set(made.params) == expected[architecture]
    for changes in ({"subtract_offset": False}, {"scale": 2.0}, {"norm_scaled": True}):
        unfolded = dataclasses.replace(made, **changes)
        with pytest.raises(ValueError, match=r"Use checkpoint\.fold\(\)\.params"):
            _ = unfolded.params
        assert set(unfolded.fold().params) == expected[architecture]


def test_the_rest_is_a_dictionary():
    made = checkpoint(offset=[1.0, 2.0])
    dictionary = Dictionary(made.atoms, made.offset)
    np.testing.assert_array_equal(dictionary.decode(np.eye(3)), made.atoms + [1, 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_thresholds_are_finite(dtype):
    """Thresholds of 0 or less act as 0, as what is not positive is never active."""
    made = checkpoint("JumpReLU", dtype, threshold=[0.5, 0.0, -1.0])
    assert np.isfinite(made.log_threshold).all() and made.log_threshold.dtype == dtype
    np.testing.assert_allclose(np.exp(made.log_threshold), [0.5, 0, 0], atol=1e-30, rtol=1e-6)
    with pytest.raises(AttributeError, match="JumpReLU has"):
        _ = checkpoint("ReLU").log_threshold


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architecture": "Softmax"}, "architecture is 'Softmax'"),
        ({"architecture": "relu"}, "expected one of 'ReLU', 'TopK'"),
        ({"architecture": "TopK", "k": None}, "k is None"),
        ({"architecture": "TopK", "k": 4}, "k <= 3"),
        ({"architecture": "TopK", "k": 0}, "k >= 1"),
        ({"architecture": "TopK", "k": 1.5}, "an integer"),
        ({"k": 2}, "k is given with ReLU"),
        ({"threshold": 0.5}, "threshold is given with ReLU"),
        ({"b_gate": np.ones(3)}, "b_gate is given with ReLU; expected it with Gated"),
        ({"architecture": "Gated", "b": np.ones(3)}, "b is given with Gated"),
        ({"architecture": "JumpReLU", "threshold": None}, "threshold is None"),
        ({"architecture": "JumpReLU", "threshold": 0.5}, r"threshold has shape \(\)"),
        ({"architecture": "BatchTopK", "threshold": np.ones(3)}, r"threshold has shape \(3,\)"),
        ({"architecture": "BatchTopK", "threshold": np.nan}, "threshold holds NaN"),
        ({"architecture": "Gated", "r_mag": [0.0, 356.0, 0.0]}, "r_mag has 356; .* float64"),
        (
            {"architecture": "Gated", "r_mag": [0.0, 45.0, 0.0], "dtype": np.float32},
            "r_mag has 45; .* range of float32",
        ),
        ({"W": np.ones(3)}, "2D"),
        ({"W": np.full((3, 2), np.nan)}, "W contains NaN"),
        ({"atoms": np.full((3, 2), np.inf)}, "atoms contains infinity"),
        ({"W": np.ones((4, 2))}, r"atoms has shape \(3, 2\); expected \(4, 2\)"),
        ({"W": np.ones((3, 4))}, "atoms have 2 features but W has 4"),
        ({"b": np.ones(2)}, r"b has shape \(2,\)"),
        ({"b": np.ones((3, 1))}, r"b has shape \(3, 1\)"),
        ({"b": [np.nan, 1, 1]}, "b holds NaN"),
        ({"offset": np.ones(3)}, r"offset has shape \(3,\)"),
        ({"W_skip": np.ones((3, 2))}, r"W_skip has shape \(3, 2\)"),
        ({"scale": 0.0}, "scale > 0"),
        ({"scale": np.nan}, "scale is"),
        ({"input_norm": "batch"}, "input_norm is 'batch'"),
        ({"subtract_offset": 1}, "subtract_offset is 1"),
        ({"norm_scaled": None}, "norm_scaled is None"),
        ({"transcoder": True}, "A transcoder has subtract_offset"),
        ({"transcoder": True, "subtract_offset": False, "scale": 2.0}, "A transcoder has"),
        (
            {"W": np.ones((3, 1)), "atoms": np.ones((3, 1)), "input_norm": "layer_norm"},
            "W has 1 feature",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        checkpoint(**changes)


def test_mixed_types_are_promoted():
    made = checkpoint(W=np.ones((3, 2), np.float32))
    assert made.dtype == made.W.dtype == made.b.dtype == np.float64


def test_it_can_be_pickled_and_shown():
    made = checkpoint("TopK", transcoder=True, subtract_offset=False, atoms=np.ones((3, 5)))
    assert repr(made) == "Checkpoint(TopK, 3 units, 2 features, 5 outputs, k=2, float64)"
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(again.W, made.W)
    assert repr(again) == repr(made)
