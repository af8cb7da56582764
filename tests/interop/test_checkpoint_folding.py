"""Folding changes neither codes nor reconstructions."""

import dataclasses
import itertools

import numpy as np
import pytest
from foreign_models import M, N, ours, same_checkpoint

from sparsecode.interop import Checkpoint
from sparsecode.interop._checkpoint_folding import subtracting

ARCHITECTURES = ["ReLU", "TopK", "BatchTopK", "JumpReLU", "Gated"]
SWITCHES = list(itertools.product([True, False], [True, False], [1.0, 0.3]))


def model(rng, architecture, dtype=np.float64, **changes):
    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    extra = {
        "ReLU": {"b": draw(N)},
        "TopK": {"b": draw(N), "k": 3},
        "BatchTopK": {"b": draw(N), "k": 3, "threshold": 0.7},
        "JumpReLU": {"b": draw(N), "threshold": draw(N)},
        "Gated": {"b_gate": draw(N), "b_mag": draw(N), "r_mag": draw(N)},
    }[architecture]
    arrays = {"W": draw(N, M), "atoms": draw(N, M), "offset": draw(M)}
    return Checkpoint(architecture, **{**arrays, **extra, **changes})


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("subtract", "scaled", "scale"), SWITCHES)
@pytest.mark.parametrize("norm", ["none", "layer_norm", "constant_norm"])
def test_every_switch(rng, architecture, subtract, scaled, scale, norm):
    switches = {"subtract_offset": subtract, "norm_scaled": scaled, "scale": scale}
    checkpoint = model(rng, architecture, input_norm=norm, **switches)
    X = 2 * rng.standard_normal((30, M)) + 1
    folded = checkpoint.fold()
    for left, right in zip(ours(folded, X), ours(checkpoint, X), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)
    assert (folded.subtract_offset, folded.norm_scaled, folded.scale) == (True, False, 1.0)
    assert folded.fold() is folded
    assert (folded is checkpoint) == (subtract and not scaled and scale == 1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_offset_is_taken_out_again(rng, architecture):
    checkpoint = model(rng, architecture)
    again = subtracting(subtracting(checkpoint, False), True)
    X = rng.standard_normal((30, M))
    for left, right in zip(ours(again, X), ours(checkpoint, X), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


def test_single_precision_is_folded_in_double(rng):
    """The error of a folded bias is that of its rounding, whatever the number of features."""
    W = rng.standard_normal((5, 20_000)).astype(np.float32)
    offset = rng.standard_normal(20_000).astype(np.float32)
    folded = Checkpoint("ReLU", W, W, offset=offset, subtract_offset=False).fold()
    exact = W.astype(np.float64) @ offset.astype(np.float64)
    np.testing.assert_allclose(folded.b, exact, rtol=1e-7)
    assert folded.dtype == np.float32


def test_many_units_are_folded_in_blocks(rng):
    W = rng.standard_normal((9000, 2))
    folded = Checkpoint("ReLU", W, W, offset=[1.0, 2.0], subtract_offset=False).fold()
    np.testing.assert_allclose(folded.b, W @ [1.0, 2.0])


def test_a_transcoder_subtracts_nothing(rng):
    checkpoint = model(rng, "ReLU", subtract_offset=False, transcoder=True, norm_scaled=True)
    folded = checkpoint.fold()
    assert not folded.subtract_offset and not folded.norm_scaled
    X = rng.standard_normal((30, M))
    for left, right in zip(ours(folded, X), ours(checkpoint, X), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)
    same_checkpoint(folded.fold(), folded)


def test_atoms_of_norm_0_cannot_scale_codes(rng):
    checkpoint = model(rng, "ReLU", norm_scaled=True)
    atoms = checkpoint.atoms.copy()
    atoms[:2] = 0
    with pytest.raises(ValueError, match="2 atoms have norm 0"):
        dataclasses.replace(checkpoint, atoms=atoms).fold()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("norm", ["none", "layer_norm", "constant_norm"])
def test_standardized_samples(rng, dtype, norm):
    checkpoint = model(rng, "ReLU", dtype, input_norm=norm)
    X = (5 * rng.standard_normal((20, M)) + 3).astype(dtype)
    inputs, factor, shift = checkpoint.standardize(X)
    assert inputs.dtype == factor.dtype == shift.dtype == dtype
    assert factor.shape == shift.shape == (20, 1)
    tolerance = 1e-4 if norm == "layer_norm" else 1e-6
    np.testing.assert_allclose(factor * inputs + shift, X, rtol=tolerance, atol=1e-4)
    if norm == "layer_norm":
        np.testing.assert_allclose(inputs.mean(axis=1), 0, atol=1e-6)
        np.testing.assert_allclose(inputs.std(axis=1, ddof=1), 1, rtol=1e-4)
    if norm == "constant_norm":
        np.testing.assert_allclose(np.linalg.norm(inputs, axis=1), np.sqrt(M), rtol=1e-6)


@pytest.mark.parametrize("norm", ["layer_norm", "constant_norm"])
def test_samples_of_zeros_give_no_nan(rng, norm):
    inputs, *_ = model(rng, "ReLU", input_norm=norm).standardize(np.zeros((2, M)))
    np.testing.assert_array_equal(inputs, 0)


def test_samples_of_another_width_are_refused(rng):
    with pytest.raises(ValueError, match=f"expected {M}"):
        model(rng, "ReLU").standardize(np.ones((2, M + 1)))
