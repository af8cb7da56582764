"""Gemma Scope: params.npz, whose models do not subtract the offset from their inputs."""

import functools
from typing import ClassVar

import numpy as np
import pytest
from foreign_models import M, N, gemma_scope, same_checkpoint, write_json, write_safetensors

from sparsecode import SparseAutoencoder, Transcoder
from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint


def model(random, n_outputs=M, dtype=np.float32):
    arrays = {
        "W_enc": random(M, N),
        "W_dec": random(N, n_outputs),
        "b_enc": random(N),
        "b_dec": random(n_outputs),
        "threshold": np.abs(random(N)),
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}


def reference(arrays):
    return functools.partial(gemma_scope, p={k: v.astype(np.float64) for k, v in arrays.items()})


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_codes_and_reconstructions(tmp_path, random, agree, save, dtype):
    arrays = model(random, dtype=dtype)
    save(tmp_path / "params.npz", **arrays)
    checkpoint = agree(tmp_path, reference(arrays))
    assert checkpoint.architecture == "JumpReLU" and not checkpoint.transcoder
    assert checkpoint.dtype == (np.float64 if dtype == np.float64 else np.float32)
    # The biases alone tell that the offset is subtracted now.
    shift = arrays["b_dec"].astype(np.float64) @ arrays["W_enc"].astype(np.float64)
    np.testing.assert_allclose(checkpoint.b, arrays["b_enc"] + shift, rtol=1e-5)
    np.testing.assert_allclose(np.exp(checkpoint.log_threshold), arrays["threshold"], rtol=1e-5)


def test_small_letters_and_order_by_columns(tmp_path, random, agree):
    arrays = model(random)
    stored = {name.replace("W_", "w_"): np.asfortranarray(a) for name, a in arrays.items()}
    np.savez(tmp_path / "any name.npz", **stored)
    agree(tmp_path / "any name.npz", reference(arrays))


def test_a_scale_is_folded(tmp_path, random, agree):
    arrays = model(random)
    np.savez(tmp_path / "params.npz", **arrays)

    def scaled(X):
        codes, decoded = reference(arrays)(X * 0.5)
        return codes, decoded / 0.5

    agree(tmp_path, scaled, input_scale=0.5)


def test_transcoders_by_the_width_of_their_output(tmp_path, random, agree, assert_round_trip):
    arrays = model(random, n_outputs=3)
    np.savez(tmp_path / "params.npz", **arrays)
    checkpoint = agree(tmp_path, reference(arrays))
    assert checkpoint.transcoder and not checkpoint.subtract_offset
    assert_round_trip(checkpoint, "gemma_scope")
    with pytest.raises(ValueError, match=r"params.npz .*A transcoder has .*scale"):
        read_checkpoint(tmp_path, input_scale=2.0)


def test_bfloat16_as_numpy_keeps_it(tmp_path, random, agree):
    arrays = {
        name: (a.view(np.uint32) & 0xFFFF0000).view(np.float32) for name, a in model(random).items()
    }
    bits = {name: (a.view(np.uint32) >> 16).astype("<u2").view("V2") for name, a in arrays.items()}
    np.savez(tmp_path / "params.npz", **bits)
    agree(tmp_path, reference(arrays))


def test_round_trip(tmp_path, random, assert_round_trip):
    np.savez(tmp_path / "params.npz", **model(random))
    checkpoint = read_checkpoint(tmp_path, fold=False)
    assert_round_trip(checkpoint, "gemma_scope")


def test_a_folded_checkpoint_is_unfolded(tmp_path, random, agree):
    arrays = model(random)
    np.savez(tmp_path / "params.npz", **arrays)
    write_checkpoint(read_checkpoint(tmp_path), tmp_path / "again", "gemma_scope")
    agree(tmp_path / "again", reference(arrays))
    with np.load(tmp_path / "again" / "params.npz") as file:
        np.testing.assert_allclose(file["b_enc"], arrays["b_enc"], atol=1e-5)


def test_batch_topk_is_written_with_one_threshold(tmp_path, random):
    checkpoint = Checkpoint("BatchTopK", random(N, M), random(N, M), k=2, threshold=0.25)
    write_checkpoint(checkpoint, tmp_path, "gemma_scope")
    again = read_checkpoint(tmp_path)
    np.testing.assert_array_equal(again.threshold, np.full(N, np.float32(0.25)))
    same_checkpoint(again, checkpoint, but=("architecture", "k", "threshold", "metadata"))


@pytest.mark.parametrize("architecture", ["ReLU", "TopK", "BatchTopK", "Gated"])
def test_other_architectures_are_not_written(tmp_path, architecture):
    k = 1 if "TopK" in architecture else None
    with pytest.raises(ValueError, match=f"{architecture} for the format 'gemma_scope'"):
        write_checkpoint(
            Checkpoint(architecture, np.eye(2), np.eye(2), k=k), tmp_path, "gemma_scope"
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("W_enc", np.ones((N, M))),
        ("W_dec", np.ones((M, N))),
        ("W_enc", np.ones(M)),
        ("threshold", np.ones(())),
        ("b_enc", np.full(N, np.nan)),
        ("b_dec", np.full(M, np.inf)),
        ("extra", np.ones(3)),
        ("b_enc", np.array(["a"] * N)),
        ("b_enc", np.ones(N, dtype=complex)),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, random, name, value):
    np.savez(tmp_path / "params.npz", **(model(random) | {name: value}))
    with pytest.raises(ValueError, match=r"params\.npz") as caught:
        read_checkpoint(tmp_path)
    assert name in str(caught.value) or "holds NaN or infinity" in str(caught.value)


@pytest.mark.parametrize("transcoder", [None, False, True])
def test_equal_widths_are_what_the_caller_says(tmp_path, random, agree, transcoder):
    arrays = model(random)
    np.savez(tmp_path / "params.npz", **arrays)
    checkpoint = agree(tmp_path, reference(arrays), transcoder=transcoder)
    assert checkpoint.transcoder == bool(transcoder)
    X = random(20, M, dtype=np.float64)
    codes, decoded = reference(arrays)(X)
    for found in (
        Transcoder.from_pretrained(tmp_path),
        Transcoder.from_pretrained(read_checkpoint(tmp_path, transcoder=transcoder)),
    ):
        np.testing.assert_allclose(found.transform(X), codes, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found.predict(X), decoded, rtol=1e-5, atol=1e-5)
    if not transcoder:
        found = SparseAutoencoder.from_pretrained(tmp_path)
        np.testing.assert_allclose(found.transform(X), codes, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="transcoder is 1"):
        read_checkpoint(tmp_path, transcoder=1)


class TestSecond:
    """Gemma Scope 2: safetensors with small letters, settings, and a linear map past the codes."""

    CONFIG: ClassVar = {
        "architecture": "jump_relu",
        "model_name": "google/gemma-3-1b-pt",
        "hf_hook_point_in": "model.layers.7.output",
    }

    @staticmethod
    def save(folder, arrays, config):
        stored = {name.replace("W_", "w_"): array for name, array in arrays.items()}
        write_safetensors(folder / "params.safetensors", stored)
        if config is not None:
            write_json(folder / "config.json", config)
        return folder

    @pytest.mark.parametrize("settings", [True, False])
    def test_autoencoders(self, tmp_path, random, agree, settings):
        arrays = model(random)
        path = self.save(tmp_path, arrays, self.CONFIG if settings else None)
        checkpoint = agree(path, reference(arrays))
        assert not checkpoint.transcoder
        if settings:
            assert checkpoint.metadata["model_name"] == "google/gemma-3-1b-pt"
            assert checkpoint.metadata["hook_name"] == "model.layers.7.output"

    @pytest.mark.parametrize("skip", [True, False])
    @pytest.mark.parametrize("n_outputs", [M, 3])
    @pytest.mark.parametrize("settings", [True, False])
    def test_transcoders(self, tmp_path, random, agree, skip, n_outputs, settings):
        arrays = model(random, n_outputs=n_outputs)
        config = {**self.CONFIG, "affine_connection": skip, "hf_hook_point_out": "model.layers.7.x"}
        if skip:
            arrays["affine_skip_connection"] = random(M, n_outputs)
        self.save(tmp_path, arrays, config if settings else None)

        def computed(X):
            codes, decoded = reference(arrays)(X)
            return codes, decoded + (X @ arrays["affine_skip_connection"] if skip else 0)

        checkpoint = agree(tmp_path, computed)
        assert checkpoint.transcoder == (settings or skip or n_outputs != M)
        X = random(20, M, dtype=np.float64)
        found = Transcoder.from_pretrained(tmp_path).predict(X)
        np.testing.assert_allclose(found, computed(X)[1], rtol=1e-5, atol=1e-5)

    def test_what_is_not_understood_is_refused(self, tmp_path, random):
        arrays = model(random)
        self.save(tmp_path, arrays, {**self.CONFIG, "architecture": "topk"})
        with pytest.raises(ValueError, match="architecture is 'topk'; expected 'jump_relu'"):
            read_checkpoint(tmp_path)
        self.save(tmp_path, arrays, {**self.CONFIG, "affine_connection": True})
        with pytest.raises(ValueError, match="without the arrays 'affine_skip_connection'"):
            read_checkpoint(tmp_path)
        # Decoders to several layers are no single transcoder.
        self.save(tmp_path, {**arrays, "W_dec": random(N, 2, M)}, self.CONFIG)
        with pytest.raises(ValueError, match="W_dec is of shape"):
            read_checkpoint(tmp_path)
        arrays["b_enc"][2] = np.nan
        self.save(tmp_path, arrays, self.CONFIG)
        with pytest.raises(ValueError, match="b_enc is an array with NaN"):
            read_checkpoint(tmp_path)

    def test_other_formats_of_safetensors_are_told(self, tmp_path):
        (tmp_path / "params.safetensors").write_bytes(b"x")
        with pytest.raises(ValueError, match="is damaged or not what its name says"):
            read_checkpoint(tmp_path / "params.safetensors", "gemma_scope")
